import { HttpError } from "fresh";
import { define } from "../utils.ts";

export default define.page(({ error }) => <p>{error instanceof HttpError ? error.message : "It failed"}</p>);
