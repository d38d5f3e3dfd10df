import {
  type Bytes,
  createPrekey,
  createSigner,
  hex,
  networks,
  nodeIdOf,
  secureRandom,
  sha256,
  signStatement,
  type Signer,
  statementToText,
} from '@cocoon/protocol'
import { encodeCollateral, encodeStanding } from '@cocoon/protocol/appraisal'
import { developmentWorkload, SimulatedMachine, type SwitchName } from '@cocoon/localnet/tee'
import type { Page, Route } from 'playwright'

export const MODEL = 'cocoon-demo'
const now = (): number => Math.floor(Date.now() / 1000)

/** What a dishonest broker would show a device of one machine. */
export interface ForgedMachine {
  readonly nodeId: string
  /** As `POST /api/match` answers. */
  readonly match: object
  readonly standing: Bytes
  /** By digest, hex. */
  readonly content: Map<string, Bytes>
  /** Digest. */
  readonly collateral: string[]
}

interface Forgery {
  readonly broken?: readonly SwitchName[]
  /** The statement names another machine's evidence. */
  readonly evidenceOf?: ForgedMachine
  /** The node id of another machine, over this one's statement. */
  readonly nodeId?: string
  /** Seconds by which the clock of all that is published is wrong. */
  readonly publishedAgo?: number
}

/** A machine that breaks some rules, signed as the simulated makers and owners sign: everything else about it is in order. */
export async function forgeMachine(forgery: Forgery = {}): Promise<ForgedMachine> {
  const signer = await createSigner()
  const machine = new SimulatedMachine({
    identity: signer.publicKey,
    workload: await developmentWorkload(),
    gpus: ['hopper'],
    random: secureRandom,
    clock: () => now() - (forgery.publishedAgo ?? 0),
  })
  for (const rule of forgery.broken ?? []) machine.break(rule)
  const made = await machine.evidence()
  const foreign = forgery.evidenceOf ? [...forgery.evidenceOf.content][0] : undefined
  const collateral = encodeCollateral(made.collateral)
  const content = new Map<string, Bytes>([
    foreign ?? [hex(made.digest), made.bytes],
    [hex(await sha256(collateral)), collateral],
  ])
  const [evidence = ''] = content.keys()
  const nodeId = forgery.nodeId ?? (await nodeIdOf(signer.publicKey))
  return {
    nodeId,
    match: {
      node: nodeId,
      statement: statementToText(await statementOver(evidence, signer)),
      evidence,
      lease: 'forged',
      expires: now() + 300,
    },
    standing: encodeStanding(await machine.registry()),
    content,
    collateral: [hex(await sha256(collateral))],
  }
}

async function statementOver(evidence: string, signer: Signer) {
  const notBefore = now()
  return signStatement(
    {
      version: 1,
      network: networks.localnet,
      identity: signer.publicKey,
      prekey: (await createPrekey()).publicKey,
      notBefore,
      useBy: notBefore + 600,
      evidence: Uint8Array.from(evidence.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16)),
      payee: null,
      offers: [
        {
          model: MODEL,
          context: 2048,
          maxOutput: 512,
          price: { prompt: 0n, cached: 0n, completion: 0n, reasoning: 0n },
        },
      ],
      limits: { request: 1024 * 1024, seconds: 60 },
    },
    signer,
  )
}

/** Puts the forgery between the page and its broker. What was asked for, and every socket that was opened, is recorded. */
export async function forgeBroker(page: Page, machine: ForgedMachine): Promise<{ readonly sockets: string[] }> {
  const sockets: string[] = []
  page.on('websocket', (socket) => sockets.push(socket.url()))
  const bytes = (route: Route, body: Bytes | undefined) =>
    body
      ? route.fulfill({ contentType: 'application/cbor', body: Buffer.from(body) })
      : route.fulfill({ status: 404, json: { error: { code: 'not-found', message: '' } } })
  await page.route('**/api/match', (route) => {
    const { exclude = [] } = route.request().postDataJSON() as { exclude?: string[] }
    if (!exclude.includes(machine.nodeId)) return route.fulfill({ json: machine.match })
    return route.fulfill({ status: 503, json: { error: { code: 'no-node', message: '' } } })
  })
  await page.route('**/api/standing', (route) => bytes(route, machine.standing))
  await page.route('**/api/nodes/*/collateral', (route) => route.fulfill({ json: { collateral: machine.collateral } }))
  await page.route('**/api/nodes/*/content/*', (route) =>
    bytes(route, machine.content.get(route.request().url().split('/').at(-1) ?? '')),
  )
  return { sockets }
}
