import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Chain } from './chain.ts'
import { type Administration, administrationOf } from './administration.ts'
import type { Deployment } from './deployment.ts'
import { type Fault, Faults } from './faults.ts'
import { type Params, Rpc, RpcError } from './rpc.ts'

const MOST_BYTES = 1024 * 1024

/** The chain behind HTTP, as toncenter stands before a real one; what only a development chain can do is under /admin. */
export interface ChainServer {
  readonly origin: string
  close(): Promise<void>
}

export async function serveChain(chain: Chain, deployment: Deployment, port = 0): Promise<ChainServer> {
  const faults = new Faults()
  const rpc = new Rpc(chain)
  const doors: Doors = { rpc, faults, administration: administrationOf(chain, rpc, faults, deployment) }
  const server = createServer((request, response) => void answer(doors, request, response))
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, '127.0.0.1', resolve)
  })
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return { origin, close: () => close(server, chain) }
}

async function close(server: Server, chain: Chain): Promise<void> {
  const closed = new Promise((resolve) => server.close(resolve))
  server.closeAllConnections()
  await chain.stop()
  await closed
}

interface Doors {
  readonly rpc: Rpc
  readonly faults: Faults
  readonly administration: Administration
}

/** Browsers ask from the page's origin. */
const CORS = {
  'access-control-allow-origin': '*',
  'access-control-allow-methods': 'GET, POST, OPTIONS',
  'access-control-allow-headers': '*',
  'access-control-max-age': '86400',
}

interface Reply {
  readonly status: number
  readonly body?: unknown
}

function write(response: ServerResponse, { status, body }: Reply): void {
  response.writeHead(status, { ...CORS, 'content-type': 'application/json', 'cache-control': 'no-store' })
  response.end(body === undefined ? '' : JSON.stringify(body))
}

function failure(error: unknown, envelope: object = {}): Reply {
  const status = error instanceof RpcError ? error.status : error instanceof RangeError ? 422 : 500
  return { status, body: { ok: false, error: (error as Error).message, code: status, ...envelope } }
}

async function answer(doors: Doors, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const url = new URL(request.url ?? '/', 'http://localhost')
  const [, top, version, method = ''] = url.pathname.split('/')
  try {
    if (request.method === 'OPTIONS') return write(response, { status: 204 })
    const params = request.method === 'POST' ? await readBody(request) : Object.fromEntries(url.searchParams)
    if (top === 'admin') {
      const result = await doors.administration(version ?? '', params)
      return write(response, { status: 200, body: { ok: true, result } })
    }
    if (top !== 'api') throw new RpcError(404, `nothing at ${url.pathname}`)
    await answerApi(doors, response, `${version}/${method}`, params)
  } catch (error) {
    write(response, failure(error))
  }
}

async function answerApi(
  { rpc, faults }: Doors,
  response: ServerResponse,
  path: string,
  params: Params,
): Promise<void> {
  if (path === 'v3/transactionsByMessage') {
    const hash = String(params['msg_hash'])
    const ask = async (): Promise<Reply> => ({ status: 200, body: rpc.transactionsByMessage(hash) })
    return withFault(faults.take('transactionsByMessage'), response, ask)
  }
  if (!path.startsWith('v2/')) throw new RpcError(404, `nothing at ${path}`)
  const isCall = path === 'v2/jsonRPC'
  const { id, jsonrpc } = params
  const envelope = isCall ? { jsonrpc, id } : {}
  const method = isCall ? String(params['method']) : path.slice('v2/'.length)
  const fault = faults.take(method)
  await withFault(fault, response, async () => {
    try {
      const given = isCall ? ((params['params'] ?? {}) as Params) : params
      const result = fault?.kind === 'swallow' ? { '@type': 'ok' } : await rpc.call(method, given)
      return { status: 200, body: { ok: true, result, ...envelope } }
    } catch (error) {
      return failure(error, envelope)
    }
  })
}

/** Does what is asked and answers, as far as the fault lets it. */
async function withFault(fault: Fault | undefined, response: ServerResponse, ask: () => Promise<Reply>): Promise<void> {
  switch (fault?.kind) {
    case 'hang':
      return
    case 'cut':
      response.destroy()
      return
    case 'lose-reply':
      await ask()
      response.destroy()
      return
    case 'status':
      return write(response, failure(new RpcError(fault.status, 'a fault, as asked for')))
    case 'slow':
      await new Promise((resolve) => setTimeout(resolve, fault.ms))
      return write(response, await ask())
    default:
      return write(response, await ask())
  }
}

async function readBody(request: IncomingMessage): Promise<Params> {
  const parts: Buffer[] = []
  let size = 0
  for await (const part of request as AsyncIterable<Buffer>) {
    size += part.length
    if (size > MOST_BYTES) throw new RpcError(413, 'request too large')
    parts.push(part)
  }
  try {
    const value: unknown = JSON.parse(Buffer.concat(parts).toString() || '{}')
    if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new TypeError('no object')
    return value as Params
  } catch {
    throw new RpcError(422, 'the body is no JSON object')
  }
}
