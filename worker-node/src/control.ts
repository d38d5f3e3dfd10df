import { once } from 'node:events'
import { chmod, mkdir, rm } from 'node:fs/promises'
import { createServer, request as httpRequest, type Server } from 'node:http'
import { join } from 'node:path'
import { ConfigError } from './config.ts'
import type { Reload } from './reload.ts'
import type { NodeStatus } from './status.ts'

/** What the control socket of a running node answers, and to whom: whoever may open a file of this user. */
export interface Controls {
  readonly status: () => NodeStatus
  /** Takes no new job, and ends once the running ones did, at the latest after so many milliseconds. */
  readonly drain: (patience: number | undefined) => void
  /** @throws ConfigError */
  readonly reload: () => Promise<Reload>
}

/** Longest path of a local socket on Linux (unix(7)); on macOS it is four bytes shorter. */
const MAX_PATH = 103
const BODY = 1024

export function socketPath(folder: string): string {
  const path =
    process.platform === 'win32' ? `\\\\.\\pipe\\${folder.replaceAll(/\W/g, '-')}` : join(folder, 'control.sock')
  if (Buffer.byteLength(path) > MAX_PATH) throw new ConfigError('--state: the path is too long for a socket in it')
  return path
}

/**
 * Listens in the node's own folder, which it makes. There is no port: other users and other machines reach nothing.
 *
 * @throws ConfigError when another node runs there, or the folder is not ours
 */
export async function serveControl(folder: string, controls: Controls): Promise<{ close(): void }> {
  const path = socketPath(folder)
  await mkdir(folder, { recursive: true, mode: 0o700 }).catch((cause: unknown) => {
    throw new ConfigError(`--state: ${folder} cannot be made: ${reason(cause)}`, { cause })
  })
  const running = await askControl(folder, 'GET', '/status').then(
    () => true,
    () => false,
  )
  if (running) throw new ConfigError(`--state: another node runs with ${folder}. \`worker-node status\` shows it`)
  // Left by one that was killed.
  if (process.platform !== 'win32') await rm(path, { force: true })
  const server: Server = createServer((incoming, response) => {
    const answer = (status: number, body: object): void => {
      response.writeHead(status, { 'content-type': 'application/json' })
      response.end(JSON.stringify(body))
    }
    let text = ''
    incoming.on('data', (data: Buffer) => {
      text += data.toString()
      if (text.length > BODY) incoming.destroy()
    })
    incoming.on('end', () => {
      switch (`${incoming.method} ${incoming.url}`) {
        case 'GET /status':
          return answer(200, controls.status())
        case 'POST /drain':
          controls.drain(patienceOf(text))
          return answer(202, {})
        case 'POST /reload':
          controls.reload().then(
            (report) => answer(200, report),
            (error: unknown) => answer(409, { error: reason(error) }),
          )
          return
        default:
          return answer(404, { error: 'not known here' })
      }
    })
  })
  server.listen(path)
  await once(server, 'listening').catch((cause: unknown) => {
    throw new ConfigError(`--state: ${folder} cannot be used: ${reason(cause)}`, { cause })
  })
  if (process.platform !== 'win32') await chmod(path, 0o600)
  return {
    close() {
      server.close()
      server.closeAllConnections()
    },
  }
}

/** @throws ConfigError when no node runs there, or it says no */
export async function askControl(folder: string, method: 'GET' | 'POST', path: string, body = ''): Promise<unknown> {
  const { promise, resolve, reject } = Promise.withResolvers<{ status: number; text: string }>()
  const asking = httpRequest({ socketPath: socketPath(folder), method, path, timeout: 5_000 }, (response) => {
    let text = ''
    response.on('data', (data: Buffer) => (text += data.toString()))
    response.on('end', () => resolve({ status: response.statusCode ?? 0, text }))
    response.on('error', reject)
  })
  asking.on('error', reject)
  asking.on('timeout', () => asking.destroy(new Error('it does not answer')))
  asking.end(body)
  const { status, text } = await promise.catch((cause: unknown) => {
    const what = `no node runs with --state ${folder} (${reason(cause)}). Start one with \`worker-node run\``
    throw new ConfigError(what, { cause })
  })
  const parsed: unknown = JSON.parse(text)
  if (status < 300) return parsed
  const why = typeof parsed === 'object' && parsed !== null && 'error' in parsed ? String(parsed.error) : `${status}`
  throw new ConfigError(why)
}

/** Milliseconds; undefined where the caller leaves it to the node. */
function patienceOf(text: string): number | undefined {
  const seconds = /^\d{1,5}$/.test(text) ? Number(text) : undefined
  return seconds === undefined ? undefined : seconds * 1000
}

function reason(error: unknown): string {
  return error instanceof Error ? error.message : 'unknown reason'
}
