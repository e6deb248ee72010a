import { page } from "fresh";
import { define } from "../utils.ts";

export const handler = define.handlers({ GET: () => page(undefined, { status: 404 }) });

export default define.page(({ url }) => <p>No {url.pathname}</p>);
