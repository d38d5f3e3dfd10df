// The Mini App as bytes: its digest, and whether what a server serves is that.
//
//   npm run bundle                             prints the digest of the app built here
//   npm run bundle -- https://app.example      builds, fetches every file from there, compares byte for byte, and looks
//                                              the digest up in the owners' registry statement
//
// The build has the same bytes wherever it is made from the same commit; the digest is what the owners sign into the
// registry statement. A person who wants to know what their phone was served runs this, or asks somebody who did.
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join, posix } from 'node:path'

/** Instructions to the host, not files it serves. What they ask for is compared where it matters: see `policyOf`. */
const UNSERVED = new Set(['_headers', '_redirects'])
const sha256 = (bytes) => createHash('sha256').update(bytes).digest('hex')

/**
 * Every file of a built app by its path, in order.
 * @param {string} folder
 * @returns {{ path: string, bytes: Buffer, digest: string }[]}
 */
export function bundleFiles(folder) {
  return (
    readdirSync(folder, { recursive: true, withFileTypes: true })
      // The uploader's own list of what not to upload is no part of the app.
      .filter((entry) => entry.isFile() && entry.name !== '.assetsignore')
      .map((entry) => {
        const file = join(entry.parentPath, entry.name)
        const bytes = readFileSync(file)
        return { path: file.slice(folder.length + 1).replaceAll('\\', '/'), bytes, digest: sha256(bytes) }
      })
      .toSorted((a, b) => (a.path < b.path ? -1 : 1))
  )
}

/**
 * SHA-256 over one line a file, `digest  path`, as `sha256sum` prints them, after a line that says what this is.
 * @param {readonly { path: string, digest: string }[]} files
 */
export function bundleDigest(files) {
  return sha256(`cocoon/1 bundle\n${files.map(({ path, digest }) => `${digest}  ${path}\n`).join('')}`)
}

/** The content security policy that the build asks its host for. */
function policyOf(files) {
  const headers = files.find(({ path }) => path === '_headers')?.bytes.toString('utf8') ?? ''
  return /^\s+content-security-policy:\s*(.+)$/im.exec(headers)?.[1]?.trim()
}

/**
 * Fetches what an app's server serves and says where it is not the build. Nothing is fetched that the build does not
 * have: the page's own bytes and its policy decide what else could be loaded.
 * @param {readonly { path: string, bytes: Buffer, digest: string }[]} files
 * @param {string} origin
 * @returns {Promise<string[]>} one line a difference; empty when everything is the same
 */
export async function compareServed(files, origin) {
  const differences = []
  for (const { path, digest } of files) {
    if (UNSERVED.has(path)) continue
    const address = path === 'index.html' ? '' : path
    const response = await fetch(new URL(posix.join('/', address), origin), { redirect: 'error' })
    const served = sha256(Buffer.from(await response.arrayBuffer()))
    if (!response.ok) differences.push(`${path}: status ${response.status}`)
    else if (served !== digest) differences.push(`${path}: served ${served}, built ${digest}`)
    const policy = response.headers.get('content-security-policy') ?? undefined
    if (path === 'index.html' && policy !== policyOf(files)) {
      differences.push(`${path}: served with another content security policy: ${policy ?? 'none'}`)
    }
  }
  return differences
}

/**
 * The name under which the owners list a bundle in the registry statement that a broker carries; null where they do not.
 * Their signatures are verified under the keys of this checkout.
 * @param {string} digest
 * @param {string} origin
 * @param {'mainnet' | 'testnet' | 'localnet'} network
 * @returns {Promise<string | null>}
 */
export async function listedAs(digest, origin, network) {
  const { networks } = await import('@cocoon/protocol')
  const { checkStanding, decodeStanding } = await import('@cocoon/protocol/appraisal')
  const response = await fetch(new URL('/api/standing', origin))
  if (!response.ok) return null
  const standing = decodeStanding(new Uint8Array(await response.arrayBuffer()))
  const now = Math.floor(Date.now() / 1000)
  const outcome = await checkStanding({ network: networks[network], ...standing, seen: null, now })
  if (outcome.failure) throw new Error(`the registry statement of ${origin} does not hold: ${outcome.failure.code}`)
  const { bundles } = outcome.value.registry
  return bundles.find((bundle) => Buffer.from(bundle.digest).toString('hex') === digest)?.name ?? null
}

async function main(origin) {
  const declared = /^NETWORK = "(\w+)"/m.exec(readFileSync('wrangler.toml', 'utf8'))?.[1]
  const network = process.env['COCOON_NETWORK'] ?? declared
  const files = bundleFiles(`dist/${network}/client`)
  const digest = bundleDigest(files)
  console.log(`${digest}  Mini App for ${network}, ${files.length} files`)
  if (origin === undefined) return
  const differences = await compareServed(files, origin)
  for (const line of differences) console.error(line)
  if (differences.length === 0) console.log(`${origin} serves exactly these bytes`)
  else console.error(`${origin} does not serve the app that was built here`)
  const name = await listedAs(digest, origin, network)
  if (name !== null) console.log(`the owners list these bytes in the registry statement, as ${name}`)
  else console.error('the registry statement that it carries does not list these bytes')
  process.exitCode = differences.length === 0 && name !== null ? 0 : 1
}

if (import.meta.filename === process.argv[1]) await main(process.argv[2])
