import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Engine } from './engine/engine.ts'

/** How long an engine may take to say what models it has, and how long its word holds. Milliseconds. */
const ENGINE_ANSWER = 3_000
const ENGINE_WORD = 5_000
/** Nobody needs more connections than this, or longer than that, to ask one question. */
const CONNECTIONS = 16
const REQUEST_TIME = 5_000

/** Why a node cannot take jobs now. */
export type Unready = 'link-down' | 'engine-silent' | 'draining'

/** Asks an engine whether it is there, at most once in a few seconds however often that is wanted to be known. */
export class EngineCheck {
  readonly #engine: Engine
  readonly #monotonic: () => number
  #asked = -Infinity
  #answer: Promise<boolean> = Promise.resolve(false)

  constructor(engine: Engine, monotonic: () => number) {
    this.#engine = engine
    this.#monotonic = monotonic
  }

  /** True when it names its models in time. */
  answers(): Promise<boolean> {
    if (this.#monotonic() - this.#asked < ENGINE_WORD) return this.#answer
    this.#asked = this.#monotonic()
    this.#answer = this.#ask()
    return this.#answer
  }

  async #ask(): Promise<boolean> {
    const late = Promise.withResolvers<boolean>()
    const timer = setTimeout(() => late.resolve(false), ENGINE_ANSWER)
    const named = this.#engine.models().then(
      (models) => models.length > 0,
      () => false,
    )
    try {
      return await Promise.race([named, late.promise])
    } finally {
      clearTimeout(timer)
    }
  }
}

export interface HealthOptions {
  readonly host: string
  /** 0: any that is free. */
  readonly port: number
  /** Every reason why this node takes no jobs now; none when it does. */
  readonly unready: () => Promise<readonly Unready[]>
  /** What Prometheus reads; nothing is there for it where this is absent. */
  readonly metrics?: (() => string) | undefined
}

export interface HealthServer {
  readonly port: number
  close(): void
}

/**
 * Two questions for whoever runs this machine: `GET /healthz`, is the process alive, and `GET /readyz`, does it take
 * jobs. The answers hold no job, no key and no number that says how much is asked here; metrics do, for who wants them.
 *
 * @throws Error of Node's `listen`, such as EADDRINUSE
 */
export async function serveHealth({ host, port, unready, metrics }: HealthOptions): Promise<HealthServer> {
  const server: Server = createServer((request, response) => {
    const answer = (status: number, body: object): void => {
      response.writeHead(status, { 'content-type': 'application/json', 'cache-control': 'no-store' })
      response.end(request.method === 'HEAD' ? undefined : `${JSON.stringify(body)}\n`)
    }
    if (request.method !== 'GET' && request.method !== 'HEAD') return answer(405, { error: 'only GET is answered' })
    switch (request.url?.split('?')[0]) {
      case '/healthz':
        return answer(200, { alive: true })
      case '/readyz':
        unready().then(
          (reasons) => answer(reasons.length === 0 ? 200 : 503, { ready: reasons.length === 0, reasons }),
          () => answer(503, { ready: false, reasons: ['engine-silent' satisfies Unready] }),
        )
        return
      case '/metrics':
        if (!metrics) return answer(404, { error: 'no metrics here: run with --metrics on' })
        response.writeHead(200, { 'content-type': 'text/plain; version=0.0.4; charset=utf-8' })
        response.end(request.method === 'HEAD' ? undefined : metrics())
        return
      default:
        return answer(404, { error: 'ask /healthz or /readyz' })
    }
  })
  server.maxConnections = CONNECTIONS
  server.requestTimeout = REQUEST_TIME
  server.headersTimeout = REQUEST_TIME
  server.listen(port, host)
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    close() {
      server.close()
      server.closeAllConnections()
    },
  }
}
