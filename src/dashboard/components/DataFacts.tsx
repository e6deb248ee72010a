/**
 * The data that a run was made with.
 *
 * @module
 */
import type { JSX } from "preact";
import type { Manifest } from "../../store/manifest.ts";
import { planWords } from "../words.ts";

/** Data set, digests of its files, and the plan table. */
export function DataFacts({ manifest: { data, plan, planHash } }: { readonly manifest: Manifest }): JSX.Element {
  return (
    <>
      <dl class="facts">
        <dt>Data set</dt>
        <dd>
          {data.name}, {data.name === "synthetic"
            ? "generated, and the same everywhere"
            : data.original
            ? "the published files"
            : "files of the same form as the published ones, with other checksums"}
        </dd>
        <dt>Digest</dt>
        <dd>
          <code>{data.digest}</code>
        </dd>
        {data.files.map(({ name, sha256 }) => (
          <>
            <dt key={name}>{name}</dt>
            <dd>
              <code>{sha256}</code>
            </dd>
          </>
        ))}
        <dt>Plan table</dt>
        <dd>
          <code>{planHash}</code>, {planWords(plan)}
          {plan?.table.adapter !== undefined && `, measured on ${plan.table.adapter}`}
        </dd>
      </dl>
      <p class="soft small">
        Digests are SHA-256. The plan table says which kernels run, and is part of the run's name; it stands in{" "}
        manifest.json, and who goes on with the run goes by it.
      </p>
    </>
  );
}
