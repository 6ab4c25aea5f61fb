/**
 * Clusters made once and then copied: initdb costs a second of a core, a copy a tenth. Copies have one system identifier, as
 * a server has that was made from another's base backup: only what asks for a standby's primary would take them for one.
 */
import { execFile } from "node:child_process";
import { mkdir, rename, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { promisify } from "node:util";
import { serverUser } from "./server-binaries.js";

const run = promisify(execFile);

/** Milliseconds that another process may need to make a cluster. */
const patienceMs = 120_000;

export interface ClusterKind {
  /** Folder with initdb. */
  readonly binaries: string;
  readonly superuser: string;
  /** initdb --locale. */
  readonly locale: string;
}

/** The superuser's password in a cluster that was copied. */
export const templatePassword = "of the template";

/**
 * Puts a new cluster into an empty folder that is the server user's.
 * @param templates folder of this run's templates, shared by its processes; undefined makes every cluster by initdb
 */
export async function makeCluster(
  kind: ClusterKind,
  data: string,
  password: string,
  templates: string | undefined,
): Promise<{ password: string }> {
  if (templates === undefined) {
    await initialise(kind, data, password);
    return { password };
  }
  const name = [kind.binaries, kind.superuser, kind.locale].join("_").replaceAll(/[^\w.-]/g, "_");
  const template = join(templates, name);
  if (!(await exists(template))) await makeTemplate(kind, template);
  await run("cp", ["-a", `${template}/.`, data]);
  return { password: templatePassword };
}

async function makeTemplate(kind: ClusterKind, template: string): Promise<void> {
  const making = `${template}.making`;
  try {
    await mkdir(making, { mode: 0o700 });
  } catch {
    // Another process is at it.
    const limit = Date.now() + patienceMs;
    while (!(await exists(template))) {
      if (Date.now() > limit) throw new Error(`${template} was not made within ${patienceMs / 1_000} s`);
      await delay(50);
    }
    return;
  }
  const user = serverUser();
  if (user !== undefined) await run("chown", [`${user.uid}:${user.gid}`, making]);
  await initialise(kind, making, templatePassword);
  await rename(making, template);
}

async function initialise({ binaries, superuser, locale }: ClusterKind, data: string, password: string): Promise<void> {
  const passwordFile = `${data}.password`;
  await writeFile(passwordFile, password, { mode: 0o600 });
  const user = serverUser();
  if (user !== undefined) await run("chown", [`${user.uid}:${user.gid}`, passwordFile]);
  const args = ["-D", data, "-U", superuser, "-A", "scram-sha-256", "--pwfile", passwordFile, "-E", "UTF8"];
  try {
    await run(join(binaries, "initdb"), [...args, "--locale", locale, "--no-sync"], {
      ...user,
      cwd: data,
      env: { ...process.env, LC_ALL: undefined, LANG: undefined },
    });
  } finally {
    await rm(passwordFile, { force: true });
  }
}

async function exists(path: string): Promise<boolean> {
  return await stat(path).then(
    () => true,
    () => false,
  );
}
