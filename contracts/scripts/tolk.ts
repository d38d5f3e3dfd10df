import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { runTolkCompiler } from '@ton/tolk-js'

const sources = fileURLToPath(new URL('../tolk/', import.meta.url))

/** The Tolk sources of this room, by their path below `tolk/`. */
export const readSource = (path: string): string => readFileSync(sources + path, 'utf8')

/** Every file directly below `tolk/` is one contract; what they import lies in folders. */
export const contracts = (): string[] =>
  readdirSync(sources)
    .filter((file) => file.endsWith('.tolk'))
    .map((file) => file.slice(0, -'.tolk'.length))

export interface Compiled {
  /** Of the compiler. */
  readonly version: string
  /** Of the code cell, lower-case hex. */
  readonly hash: string
  /** The code as a bag of cells, base64. */
  readonly boc: string
}

/** @throws Error with the compiler's own words, file and line. */
export async function compileTolk(contract: string, read: (path: string) => string = readSource): Promise<Compiled> {
  const result = await runTolkCompiler({ entrypointFileName: `${contract}.tolk`, fsReadCallback: read })
  if (result.status === 'error') throw new Error(result.message)
  return { version: result.tolkVersion, hash: result.codeHashHex.toLowerCase(), boc: result.codeBoc64 }
}

/** The module that is committed as `src/code/<contract>.ts`. */
export function codeModule(contract: string, { version, hash, boc }: Compiled): string {
  return `// Made by \`node contracts/scripts/compile.ts\` from tolk/${contract}.tolk with Tolk ${version}. Not edited by hand.
export const hash = '${hash}'
export const boc =
  '${boc}'
`
}
