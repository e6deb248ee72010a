import { HttpError, page } from "fresh";
import type { JSX } from "preact";
import { percent } from "../../../../src/analysis/outcome.ts";
import { isCensored } from "../../../../src/analysis/early_stop.ts";
import type { LevelSummary } from "../../../../src/analysis/summary.ts";
import { networksPerTicket } from "../../../../src/lottery/arms/names.ts";
import type { ArmName, NetworkKey } from "../../../../src/lottery/types.ts";
import { armsOf, isWanted } from "../../../../src/lottery/wanted.ts";
import { Figure, Takeaway } from "../../../../src/dashboard/components/Figure.tsx";
import { LevelImages } from "../../../../src/dashboard/components/LevelImages.tsx";
import { RunCurves } from "../../../../src/dashboard/components/RunCurves.tsx";
import { RunHeader } from "../../../../src/dashboard/components/RunHeader.tsx";
import type { Dashboard } from "../../../../src/dashboard/dashboard.ts";
import { readLevelImages } from "../../../../src/dashboard/images.ts";
import { describeLevel } from "../../../../src/dashboard/level_words.ts";
import { parseNetworkKey } from "../../../../src/dashboard/network_key.ts";
import { filesOf, networkWords, onPage, weightsOf } from "../../../../src/dashboard/run_figures.ts";
import { unbroken } from "../../../../src/dashboard/components/run_words.ts";
import type { RunView } from "../../../../src/dashboard/types.ts";
import { nothing } from "../../../../src/dashboard/words.ts";
import { define } from "../../../../utils.ts";

/** One level of a run: its networks, their curves, its layers and weights. */
export const handler = define.handlers({
  async GET({ params: { id = "", level: text = "" }, state, url }) {
    const { dashboard } = state;
    const { version } = dashboard;
    const run = await dashboard.readRun(id);
    if (!run) throw new HttpError(404, "There is no such run.");
    const level = /^\d{1,4}$/.test(text) ? Number(text) : NaN;
    const known = levelsOf(run);
    if (!known.includes(level)) {
      throw new HttpError(
        404,
        known.length === 0
          ? "No level of this run has begun."
          : `This run has no level of that name: ${
            known.length === 1 ? "only level 0 has" : `levels 0 to ${known.at(-1)} have`
          } begun.`,
      );
    }
    state.title = `Level ${level} of ${id}`;
    const network = chosenNetwork(run, level, url.searchParams);
    const unit = Number(url.searchParams.get("unit") ?? NaN);
    return page({
      run,
      version,
      level,
      network,
      histograms: await readHistograms(dashboard, id, network),
      images: await readLevelImages(dashboard, id, network, Number.isInteger(unit) ? unit : undefined),
    });
  },
});

export default define.page<typeof handler>(({ data: { run, version, level, network, histograms, images }, url }) => {
  const { id, figures } = run;
  const levels = levelsOf(run);
  const place = levels.indexOf(level);
  const [sentence, ...others] = describeLevel(figures, level);
  const remaining = figures.find((own) => own.level === level)?.remaining;
  const layers = layersOf(run, level);
  const chosenLayer = url.searchParams.get("layer") ?? "";
  const shown = histograms.filter(({ layer }) => chosenLayer === "" || layer === chosenLayer);
  const isTrained = remaining !== undefined;
  return (
    <>
      <RunHeader run={run} here={level} version={version} />
      <section class="stack" aria-label="The level">
        <div class="row spread">
          <h2>
            Level {level}
            {level === 0
              ? ", the dense network"
              : remaining === undefined
              ? ""
              : unbroken(`: ${percent(remaining)} of the weights`)}
          </h2>
          <nav class="row small" aria-label="Levels beside this one">
            <Neighbour id={id} level={levels[place - 1]} url={url} word="Previous" />
            <Neighbour id={id} level={levels[place + 1]} url={url} word="Next" />
          </nav>
        </div>
        <div class="stack" data-live="level-words">
          {sentence === undefined
            ? (
              <p class="answer">
                This level is not trained yet
                {run.row.progress.iteration === null
                  ? ""
                  : `: it is at iteration ${run.row.progress.iteration.toLocaleString("en")} of ${
                    run.config?.iterations.toLocaleString("en") ?? "?"
                  }`}. Its curves so far are below.
              </p>
            )
            : <p class="answer">{unbroken(sentence)}</p>}
          {others.map((own) => <p key={own}>{unbroken(own)}</p>)}
        </div>
      </section>
      <section class="stack" id="curves">
        <h2>Curves</h2>
        <RunCurves run={run} url={url} version={version} level={level} />
      </section>
      <section class="stack" data-shown="networks" hidden={!isTrained}>
        <h2>Networks</h2>
        <div class="scroll" data-live="networks" tabIndex={0} role="group" aria-label="Networks, as a table">
          <NetworkTable run={run} level={level} chosen={network} url={url} />
        </div>
      </section>
      <section class="stack" data-shown="layers" hidden={!isTrained}>
        <h2>Layers</h2>
        <div class="scroll" data-live="layers" tabIndex={0} role="group" aria-label="Layers, as a table">
          <LayerTable layers={layers} plan={planOf(run, level)} />
        </div>
        {run.config?.scope === "global" && (
          <p class="soft small">
            All layers are pruned in one pool, so replicates differ: these are the first one's counts.
          </p>
        )}
        <Takeaway files={filesOf(id, "density", { level })} title="Surviving weights per layer" />
      </section>
      <section class="stack" id="weights">
        <h2>Weights of one network</h2>
        <NetworkForm run={run} network={network} layers={histograms.map(({ layer }) => layer)} url={url} />
        <div class="columns level-weights">
          {shown.length > 0
            ? (
              <Figure
                id="histograms"
                title="Before and after training"
                files={filesOf(id, "weights", { ...network, ...chosenLayer === "" ? {} : { layer: chosenLayer } })}
                {...onPage(weightsOf(network, shown), "weights")}
              />
            )
            : (
              <div class="stack">
                <h3>Before and after training</h3>
                <p class="soft">
                  {histograms.length > 0
                    ? `This network has no layer of that name: it has ${
                      histograms.map(({ layer }) => layer).join(", ")
                    }.`
                    : `There are no histograms of ${
                      networkWords(network)
                    }: they are recorded when its level is trained.`}
                </p>
              </div>
            )}
          <LevelImages id={id} images={images} url={url} />
        </div>
      </section>
    </>
  );
});

/** The levels that are trained or have begun. */
function levelsOf({ figures, row: { progress } }: RunView): number[] {
  const levels = new Set(figures.map(({ level }) => level));
  if (progress.level !== null) levels.add(progress.level);
  return [...levels].sort((a, b) => a - b);
}

/** The network that the page's address names; the first ticket when it names none that there can be. */
function chosenNetwork({ config }: RunView, level: number, parameters: URLSearchParams): NetworkKey {
  const first: NetworkKey = { arm: "ticket", level, replicate: 1, draw: 1 };
  const arm = parameters.get("arm") ?? "ticket";
  const named = parseNetworkKey([
    arm,
    String(level),
    parameters.get("replicate") ?? "1",
    parameters.get("draw") ?? "1",
  ]);
  if (!named || !config) return first;
  // The form sends the draw that was chosen for another arm.
  const own = named.arm === "ticket" ? { ...named, draw: 1 } : named;
  return isWanted(config, own) ? own : first;
}

/** Histograms that cannot be read are none: what is wrong with the run stands on its page. */
async function readHistograms(dashboard: Dashboard, id: string, network: NetworkKey) {
  return await dashboard.readHistograms(id, network) ?? [];
}

function layersOf(run: RunView, level: number): LevelSummary["layers"] {
  return ticketsOf(run, level)?.layers ?? [];
}

/** Which kernels the level's layers ran. */
function planOf(run: RunView, level: number): LevelSummary["plan"] {
  return ticketsOf(run, level)?.plan ?? {};
}

function ticketsOf({ summary }: RunView, level: number): LevelSummary | undefined {
  return summary?.arms.find(({ name }) => name === "ticket")?.levels.find((own) => own.level === level);
}

function Neighbour(
  { id, level, url, word }: {
    readonly id: string;
    readonly level: number | undefined;
    readonly url: URL;
    readonly word: "Previous" | "Next";
  },
): JSX.Element {
  const arrow = word === "Previous" ? "←" : "→";
  const text = level === undefined ? word : `${word}: level ${level}${level === 0 ? ", dense" : ""}`;
  return level === undefined
    ? <span class="soft" aria-hidden="true">{word === "Previous" ? `${arrow} ${text}` : `${text} ${arrow}`}</span>
    : (
      <a href={`/runs/${id}/levels/${level}${url.search}`} rel={word === "Previous" ? "prev" : "next"}>
        {word === "Previous" ? `${arrow} ${text}` : `${text} ${arrow}`}
      </a>
    );
}

function NetworkTable(
  { run: { id, summary, config }, level, chosen, url }: {
    readonly run: RunView;
    readonly level: number;
    readonly chosen: NetworkKey;
    readonly url: URL;
  },
): JSX.Element {
  const networks = (summary?.arms ?? []).flatMap(({ name, levels }) =>
    levels.filter((own) => own.level === level).flatMap(({ replicates }) =>
      replicates.map((own) => ({ arm: name, ...own }))
    )
  );
  const share = (value: number | null): string => value === null ? nothing : percent(value, 2);
  const address = (arm: ArmName, replicate: number, draw: number): string => {
    const parameters = new URLSearchParams(url.searchParams);
    for (const [key, value] of Object.entries({ arm, replicate, draw })) parameters.set(key, String(value));
    return `/runs/${id}/levels/${level}?${parameters}#weights`;
  };
  return (
    <table>
      <thead>
        <tr>
          <th scope="col">Network</th>
          <th scope="col" class="number">Seed</th>
          <th scope="col">Status</th>
          <th scope="col" class="number">Early stop</th>
          <th scope="col" class="number">Validation loss there</th>
          <th scope="col" class="number">Test acc. there</th>
          <th scope="col" class="number">Train acc. there</th>
          <th scope="col" class="number">Test acc. at the end</th>
          <th scope="col" class="number">Train acc. at the end</th>
        </tr>
      </thead>
      <tbody>
        {networks.map((own) => {
          const isChosen = own.arm === chosen.arm && own.replicate === chosen.replicate && own.draw === chosen.draw;
          const isLast = own.earlyStopIteration !== null &&
            isCensored(own.earlyStopIteration, config?.iterations ?? Infinity);
          return (
            <tr>
              <th scope="row">
                <a
                  href={address(own.arm, own.replicate, own.draw)}
                  aria-current={isChosen ? "true" : undefined}
                  title="Its weights, below"
                >
                  {own.arm} {own.replicate}
                  {own.arm === "ticket" ? "" : `, draw ${own.draw}`}
                </a>
              </th>
              <td class="number soft">{own.seed}</td>
              <td>
                {own.status === "ok"
                  ? <span class="badge finished">trained</span>
                  : <span class="badge diverged">diverged at {own.divergedAt?.toLocaleString("en") ?? "?"}</span>}
              </td>
              <td class="number">
                {isLast && <abbr title="On the last evaluation: the true one is there or later">&gt;&nbsp;</abbr>}
                {own.earlyStopIteration?.toLocaleString("en") ?? nothing}
              </td>
              <td class="number">{own.validationLossAtEarlyStop?.toFixed(4) ?? nothing}</td>
              <td class="number">{share(own.testAccuracyAtEarlyStop)}</td>
              <td class="number">{share(own.trainAccuracyAtEarlyStop)}</td>
              <td class="number">{share(own.testAccuracyAtEnd)}</td>
              <td class="number">{share(own.trainAccuracyAtEnd)}</td>
            </tr>
          );
        })}
      </tbody>
    </table>
  );
}

function LayerTable({ layers, plan }: Pick<LevelSummary, "layers" | "plan">): JSX.Element {
  return (
    <table class="layers">
      <thead>
        <tr>
          <th scope="col">Layer</th>
          <th scope="col" class="number">Weights</th>
          <th scope="col" class="number">Kept</th>
          <th scope="col" class="number">Density</th>
          <th scope="col">
            <span class="visually-hidden">Density as a bar</span>
          </th>
          <th scope="col">Kernels</th>
        </tr>
      </thead>
      <tbody>
        {layers.map(({ name, size, kept }) => {
          const density = size > 0 ? kept / size : 0;
          return (
            <tr>
              <th scope="row">{name}</th>
              <td class="number">{size.toLocaleString("en")}</td>
              <td class="number">{kept.toLocaleString("en")}</td>
              <td class="number">{percent(density, density < 0.1 ? 2 : 1)}</td>
              <td>
                <progress class="density" max={1} value={density} aria-label={`Density of ${name}`} />
              </td>
              <td>{plan[name] ?? nothing}</td>
            </tr>
          );
        })}
      </tbody>
    </table>
  );
}

function NetworkForm(
  { run: { config }, network, layers, url }: {
    readonly run: RunView;
    readonly network: NetworkKey;
    readonly layers: readonly string[];
    readonly url: URL;
  },
): JSX.Element {
  const own = ["arm", "replicate", "draw", "layer"];
  const arms = armsOf(config ?? { controls: [] }).filter((arm) => networksPerTicket(arm, network.level, 1) > 0);
  const upTo = (most: number): number[] => Array.from({ length: most }, (_, index) => index + 1);
  const layer = url.searchParams.get("layer") ?? "";
  return (
    <form class="row" method="get" action={`${url.pathname}#weights`}>
      {[...url.searchParams].filter(([name]) => !own.includes(name)).map(([name, value]) => (
        <input type="hidden" name={name} value={value} />
      ))}
      <Choice name="arm" label="Arm" value={network.arm} options={arms} />
      <Choice name="replicate" label="Replicate" value={network.replicate} options={upTo(config?.replicates ?? 1)} />
      {arms.length > 1 && (config?.reinitDraws ?? 1) > 1 && (
        <Choice name="draw" label="Draw (of a control)" value={network.draw} options={upTo(config?.reinitDraws ?? 1)} />
      )}
      {layers.length > 1 && (
        <label class="curves-choice">
          <span class="soft small">Layer</span>
          <select name="layer">
            <option value="">all layers</option>
            {layers.map((name) => <option key={name} value={name} selected={name === layer}>{name}</option>)}
          </select>
        </label>
      )}
      <button type="submit" class="form-end">Show</button>
    </form>
  );
}

function Choice(
  { name, label, value, options }: {
    readonly name: string;
    readonly label: string;
    readonly value: string | number;
    readonly options: readonly (string | number)[];
  },
): JSX.Element {
  return (
    <label class="curves-choice">
      <span class="soft small">{label}</span>
      <select name={name}>
        {options.map((own) => <option key={own} value={own} selected={own === value}>{own}</option>)}
      </select>
    </label>
  );
}
