// The rest of the world of an attested machine, in a process of its own: what the makers of its hardware serve, under
// /makers/<host>, and what the owners publish, at /standing.cbor. Everything is simulated, under development keys.
// POST /admin/break/RULE and /admin/mend/RULE change it from then on; GET /admin/anchor says what a Registry has to announce.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createSigner, fromHex, hex, secureRandom } from '@cocoon/protocol'
import { decodeRegistry, encodeStanding, registryDigest } from '@cocoon/protocol/appraisal'
import { announce, stopWith } from './child.ts'
import { developmentWorkload } from './tee/scene.ts'
import { SimulatedMachine } from './tee/simulated-machine.ts'
import { answerSource } from './tee/source.ts'
import { isSwitch } from './tee/switches.ts'

const { PORT = '0', SERIAL = 'development', TEE = 'tdx', BUNDLE_DIGEST = '' } = process.env
const clock = (): number => Math.floor(Date.now() / 1000)

const machine = new SimulatedMachine({
  identity: (await createSigner()).publicKey,
  workload: await developmentWorkload(),
  tee: TEE === 'sev-snp' ? 'sev-snp' : 'tdx',
  gpus: ['hopper'],
  serial: SERIAL,
  random: secureRandom,
  clock,
  // A Registry announces one statement, so a localnet that runs over midnight keeps the one it started with.
  publishedOn: clock(),
  ...(BUNDLE_DIGEST ? { bundle: fromHex(BUNDLE_DIGEST) } : {}),
})

interface Reply {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body: string | Uint8Array
}

async function answer(method: string, url: URL): Promise<Reply> {
  const [, top = '', ...rest] = url.pathname.split('/')
  if (top === 'standing.cbor') return { status: 200, body: encodeStanding(await machine.registry()) }
  if (top === 'makers') {
    const [host = '', ...path] = rest
    const asked = new URL(`https://${host}/${path.join('/')}${url.search}`)
    return answerSource(await machine.endorsements(), asked)
  }
  if (top !== 'admin') return { status: 404, body: 'nothing is here: /standing.cbor, /makers/<host>/…, /admin/…\n' }
  const [verb, rule = ''] = rest
  if (verb === 'anchor') {
    const { body } = (await machine.registry()).registry
    const anchor = { digest: hex(await registryDigest(body)), sequence: decodeRegistry(body).sequence }
    return { status: 200, body: JSON.stringify(anchor) }
  }
  if (method !== 'POST' || !(verb === 'break' || verb === 'mend') || !isSwitch(rule)) {
    return {
      status: 400,
      body: 'POST /admin/break/RULE or /admin/mend/RULE; localnet/src/tee/switches.ts has the rules\n',
    }
  }
  if (verb === 'break') machine.break(rule)
  else machine.mend(rule)
  return { status: 200, body: JSON.stringify(machine.broken) }
}

async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const {
    status,
    headers = {},
    body,
  } = await answer(request.method ?? 'GET', new URL(request.url ?? '/', 'http://localhost'))
  response.writeHead(status, headers).end(body)
}

const server = createServer((request, response) => {
  serve(request, response).catch((error: unknown) => {
    console.error(error)
    response.writeHead(500).end()
  })
})
await new Promise<void>((resolve) => server.listen(Number(PORT), '127.0.0.1', resolve))
stopWith(async () => {
  server.closeAllConnections()
  await new Promise((done) => server.close(done))
})
announce(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
