// Loaded before each node that tests start. Stripping and compiling the same files is a third of its start, and most nodes are
// killed: so the cache is written while they run, and not only as they end.

import { enableCompileCache, flushCompileCache } from "node:module";
import { join } from "node:path";

enableCompileCache(join(import.meta.dirname, "../../node_modules/.cache/confab-nodes"));
setTimeout(flushCompileCache, 5000).unref();
