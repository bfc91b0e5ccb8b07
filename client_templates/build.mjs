/**
 * Makes `built/`: what the browser gets, under names that change with the content, with `.br` and `.gz` beside each,
 * and `manifest.json` from plain name to hashed name. With `--node`, also what the tests run in Node (`built/node/`).
 */

import { build } from "esbuild";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { basename, dirname, join, parse } from "node:path";
import { fileURLToPath } from "node:url";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";

const here = dirname(fileURLToPath(import.meta.url));
const built = join(here, "built");
const tests = join(here, "..", "tests");

const common = { bundle: true, write: false, logLevel: "warning", legalComments: "none", absWorkingDir: here };

async function forBrowsers() {
  const { outputFiles } = await build({
    ...common,
    entryPoints: ["src/session.ts", "src/check.ts", "src/site.ts", "styles/main.css"],
    outdir: built,
    outbase: here,
    entryNames: "[name]",
    format: "esm",
    target: "es2020",
    minify: true,
  });
  const manifest = {};
  for (const { path, contents } of outputFiles) {
    const { name, ext } = parse(path);
    const hash = createHash("sha256").update(contents).digest("base64url").slice(0, 12);
    manifest[basename(path)] = `${name}-${hash}${ext}`;
    writeOnce(manifest[basename(path)], Buffer.from(contents));
  }
  put("manifest.json", JSON.stringify(manifest, null, 2) + "\n");
  return manifest;
}

/** A name with a hash never gets other bytes, so compressing once is enough. */
function writeOnce(name, bytes) {
  const brotli = { params: { [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length } };
  if (!existsSync(join(built, `${name}.br`))) put(`${name}.br`, brotliCompressSync(bytes, brotli));
  if (!existsSync(join(built, `${name}.gz`))) put(`${name}.gz`, gzipSync(bytes, { level: 9 }));
  if (!existsSync(join(built, name))) put(name, bytes);
}

/** By renaming, so that a server that starts meanwhile never reads half a file. */
function put(name, bytes) {
  const part = join(built, `.${name}.${process.pid}`);
  writeFileSync(part, bytes);
  renameSync(part, join(built, name));
}

function removeOld(manifest) {
  const current = Object.values(manifest);
  const kept = new Set(["manifest.json", "node", ...current, ...current.flatMap((name) => [`${name}.br`, `${name}.gz`])]);
  for (const name of readdirSync(built)) if (!kept.has(name)) rmSync(join(built, name), { recursive: true });
}

async function forNode() {
  const stories = readdirSync(join(tests, "client")).filter((name) => name.endsWith(".test.ts"));
  await build({
    ...common,
    entryPoints: [join(tests, "world", "harness.ts"), ...stories.map((name) => join(tests, "client", name))],
    outdir: join(built, "node"),
    entryNames: "[name]",
    outExtension: { ".js": ".mjs" },
    write: true,
    format: "esm",
    platform: "node",
    target: "node20",
    sourcemap: "inline",
  });
}

mkdirSync(built, { recursive: true });
if (process.argv.includes("--node")) await forNode();
removeOld(await forBrowsers());
