import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { build } from 'vite'

const path = (file: string): string => fileURLToPath(new URL(`../protocol/src/appraisal/${file}`, import.meta.url))

/** Bytes of one entry, bundled and minified as the Mini App is, compressed. */
async function gzipped(entry: string, external: RegExp[] = []): Promise<number> {
  const output = await build({
    configFile: false,
    logLevel: 'silent',
    build: {
      write: false,
      target: 'es2022',
      minify: true,
      lib: { entry: path(entry), formats: ['es'] },
      rolldownOptions: { external },
    },
  })
  const chunks = [output].flat().flatMap((one) => ('output' in one ? one.output : []))
  const code = chunks.map((chunk) => (chunk.type === 'chunk' ? chunk.code : '')).join('')
  return gzipSync(code, { level: 9 }).length
}

/**
 * What the verifier weighs. `tdx`: quote, certificates, lists, TCB info, QE identity, on WebCrypto alone. `own`: the whole
 * appraisal without the two codecs that the rest of the protocol brings anyway (valibot, cborg); `whole`: with them.
 */
export async function measureAppraisalSize() {
  return {
    tdxBytes: await gzipped('tdx/verify.ts'),
    ownBytes: await gzipped('index.ts', [/^valibot$/, /^cborg/, /^@noble/, /^@hpke/]),
    wholeBytes: await gzipped('index.ts'),
  }
}
