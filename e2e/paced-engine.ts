import { once } from 'node:events'
import { createServer, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** One answer, spoken word by word when the test says so. */
export class PacedAnswer {
  readonly #response: ServerResponse
  #words = 0

  constructor(response: ServerResponse) {
    this.#response = response
    response.writeHead(200, { 'content-type': 'text/event-stream' })
  }

  say(...words: string[]): void {
    this.#words += words.length
    for (const content of words) this.#event({ choices: [{ index: 0, delta: { content } }] })
  }

  end(): void {
    this.#event({ choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] })
    this.#event({ choices: [], usage: { prompt_tokens: 10, completion_tokens: this.#words } })
    this.#response.end('data: [DONE]\n\n')
  }

  /** Whether the node still listens. */
  get heard(): boolean {
    return !this.#response.destroyed
  }

  #event(chunk: object): void {
    this.#response.write(`data: ${JSON.stringify(chunk)}\n\n`)
  }
}

/** An OpenAI-compatible engine that answers at the pace of a test, so that "in mid-answer" is no matter of luck. */
export class PacedEngine {
  readonly #server: Server
  /** Every answer it was asked for, in order. */
  readonly answers: PacedAnswer[] = []
  /** The conversations that came with them. */
  readonly asked: { readonly role: string; readonly content: string }[][] = []

  private constructor(model: string) {
    this.#server = createServer((request, response) => {
      if (request.url?.endsWith('/models')) {
        response.end(JSON.stringify({ data: [{ id: model, max_model_len: 4096 }] }))
        return
      }
      let body = ''
      request.on('data', (data: Buffer) => (body += data.toString()))
      request.on('end', () => {
        this.asked.push((JSON.parse(body) as { messages: { role: string; content: string }[] }).messages)
        this.answers.push(new PacedAnswer(response))
      })
    })
  }

  static async start(model: string): Promise<PacedEngine> {
    const engine = new PacedEngine(model)
    engine.#server.listen(0, '127.0.0.1')
    await once(engine.#server, 'listening')
    return engine
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  /** The answer with this number, once it was asked for. */
  async answer(number: number): Promise<PacedAnswer> {
    for (let tries = 0; tries < 1_000; tries++) {
      const answer = this.answers[number]
      if (answer) return answer
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
    throw new Error(`the engine was never asked for answer ${number}`)
  }

  close(): void {
    this.#server.closeAllConnections()
    this.#server.close()
  }
}
