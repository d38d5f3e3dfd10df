// `npm run verify -- evidence.json`: appraises a machine again from the file that the app or a node wrote, step by step.
import { readFile } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import { type Bytes, CocoonError, type NetworkName, networks } from '@cocoon/protocol'
import { type Anchored, type Appraisal, build, type Proof, readProof, type Step } from '@cocoon/protocol/appraisal'
import { compareWithChain, verifyProof } from './verify.ts'

const usage = `usage: npm run verify -- FILE [options]

FILE is a proof: exported by the app, or written by \`worker-node evidence\`.
  --network NAME           mainnet, testnet or localnet; mainnet where it is not given
  --at WHEN                now (the default), file (when the file was made), or a date such as 2026-11-27T12:00:00Z
  --broker URL             where registry statement, stamp and collateral come from when the file has none
  --standing FILE          registry statement and stamp, instead of those in the file
  --collateral FILE        collateral, instead of that in the file
  --chain URL --registry ADDRESS
                           also compares the registry statement with the Registry contract, through toncenter's API
  --json                   prints the result as JSON

Ends with 0 when the machine holds, 1 when it does not, 2 when the question cannot be answered.`

const [HOLDS, REFUSED, WRONG] = [0, 1, 2] as const

function fail(message: string): never {
  console.error(`verify: ${message}`)
  process.exit(WRONG)
}

function readArguments() {
  try {
    const text = { type: 'string' } as const
    return parseArgs({
      allowPositionals: true,
      options: {
        network: text,
        at: text,
        broker: text,
        standing: text,
        collateral: text,
        chain: text,
        registry: text,
        json: { type: 'boolean' },
        help: { type: 'boolean' },
      },
    })
  } catch (error) {
    return fail(`${error instanceof Error ? error.message : 'wrong arguments'}\n\n${usage}`)
  }
}

const { values, positionals } = readArguments()
if (values.help) {
  console.log(usage)
  process.exit(HOLDS)
}
const [path, ...more] = positionals
if (!path || more.length > 0) fail(`name one file\n\n${usage}`)
if ((values.chain === undefined) !== (values.registry === undefined)) fail('--chain and --registry belong together')
const name = values.network ?? (process.env['COCOON_NETWORK'] || 'mainnet')
if (!Object.hasOwn(networks, name)) fail(`--network is one of ${Object.keys(networks).join(', ')}`)
const network = networks[name as NetworkName]

async function bytesOf(file: string): Promise<Bytes> {
  try {
    return new Uint8Array(await readFile(file))
  } catch {
    return fail(`${file} cannot be read`)
  }
}

async function fetched(url: string): Promise<Bytes> {
  const response = await fetch(url, { signal: AbortSignal.timeout(10_000) }).catch(() => undefined)
  if (!response?.ok) return fail(`${url} ${response ? `answers ${response.status}` : 'does not answer'}`)
  return new Uint8Array(await response.arrayBuffer())
}

/** The proof, with what it lacks from where the options say. */
async function completeProof(): Promise<Proof & { collateral: Bytes; standing: Bytes }> {
  const proof = readProof(new TextDecoder().decode(await bytesOf(path ?? '')))
  const { broker } = values
  const standing = values.standing
    ? await bytesOf(values.standing)
    : (proof.standing ?? (broker ? await fetched(`${broker}/api/standing`) : null))
  const collateral = values.collateral ? await bytesOf(values.collateral) : proof.collateral
  if (!standing) fail('the file has no registry statement: add --broker URL or --standing FILE')
  if (!collateral) fail('the file has no collateral: add --collateral FILE')
  return { ...proof, standing, collateral }
}

function dateFor(proof: Proof): number {
  if (values.at === undefined || values.at === 'now') return Math.floor(Date.now() / 1000)
  if (values.at === 'file') return proof.at
  const time = Date.parse(values.at)
  return Number.isNaN(time)
    ? fail('--at is now, file, or a date such as 2026-11-27T12:00:00Z')
    : Math.floor(time / 1000)
}

/** Control characters from a stranger's file could rewrite what the terminal shows. */
const printable = (text: string): string => text.replaceAll(/[\p{Cc}\p{Cf}]/gu, '')
const marks = { passed: 'ok  ', failed: 'FAIL', 'not-reached': '  - ' } as const

function printStep({ name: step, status, code, detail }: Step): void {
  const what = status === 'failed' ? `${code ?? ''}: ${detail}` : detail
  console.log(`${marks[status]} ${step.padEnd(26)} ${printable(what)}`.trimEnd())
}

const anchoredWords: Record<Anchored, string> = {
  anchored: 'the registry statement is the one that the chain announces',
  'not-yet': 'the registry statement is newer than what the chain announces: it is not through the timelock',
  superseded: 'the registry statement is older than what the chain announces',
  forked: 'the chain announces another registry statement with this number',
  unannounced: 'the chain announces no registry statement',
}

function printVerdict(appraisal: Appraisal, at: number, chain: Anchored | undefined): void {
  for (const step of appraisal.steps) printStep(step)
  if (chain)
    console.log(`${chain === 'anchored' ? marks.passed : marks.failed} ${'chain'.padEnd(26)} ${anchoredWords[chain]}`)
  console.log('')
  const date = new Date(at * 1000).toISOString()
  if (appraisal.verdict === 'refused') {
    console.log(
      `REFUSED as of ${date}, by a ${build} build: ${appraisal.code}. Nothing should be sealed to this machine.`,
    )
    return
  }
  const { found, expires, developmentMachine } = appraisal
  const gpus = found.gpus.length === 0 ? 'no GPU' : `${found.gpus.length} GPU${found.gpus.length > 1 ? 's' : ''}`
  const verdict = developmentMachine ? 'DEVELOPMENT MACHINE, NOT PRIVATE' : 'PRIVATE'
  console.log(`${verdict} as of ${date}: ${found.tee}, ${gpus}, image ${printable(found.image)}`)
  console.log(
    `models ${found.claims.workload.models.map(({ model }) => model).join(', ')}; good until ${new Date(expires * 1000).toISOString()}`,
  )
}

try {
  const proof = await completeProof()
  const at = dateFor(proof)
  const { statement, appraisal } = await verifyProof({ proof, network, at })
  const { chain, registry } = values
  const question = chain && registry ? { chain: chain.replace(/\/+$/, ''), registry, fetch } : undefined
  const anchored = question && (await compareWithChain(proof.standing, question))
  if (values.json) {
    const { verdict, code, steps, developmentMachine } = appraisal
    const node = statement.nodeId
    console.log(
      JSON.stringify({ verdict, code, build, developmentMachine, node, at, chain: anchored ?? null, steps }, null, 2),
    )
  } else {
    console.log(`node ${statement.nodeId}\n`)
    printVerdict(appraisal, at, anchored)
  }
  const holds = appraisal.verdict === 'private' && (anchored === undefined || anchored === 'anchored')
  process.exit(holds ? HOLDS : REFUSED)
} catch (error) {
  if (!(error instanceof CocoonError)) throw error
  fail(`${error.message}${error.code === 'bad-statement' ? '; --network says which network is meant' : ''}`)
}
