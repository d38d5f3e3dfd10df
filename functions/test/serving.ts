import { hex } from '@cocoon/protocol'
import type { Question, TestUser } from './test-client.ts'
import { type TakenJob, TestNode } from './test-node.ts'
import type { Wire } from './wire.ts'

/** A node that answers whatever comes, joins again when its socket breaks, and runs no job twice. */
export class ServingNode {
  readonly node: TestNode
  readonly #jobs = new Map<string, TakenJob>()
  #stopped = false

  private constructor(node: TestNode) {
    this.node = node
  }

  static async start(): Promise<ServingNode> {
    const serving = new ServingNode(await TestNode.joined())
    void serving.#serve()
    return serving
  }

  /** Jobs it ran. */
  get ran(): number {
    return this.#jobs.size
  }

  stop(): void {
    this.#stopped = true
  }

  async #serve(): Promise<void> {
    while (!this.#stopped) {
      try {
        if (!this.node.wire.open) await this.#joinAgain()
        for (const { kind } of await this.node.wire.quiet()) await this.#answer(kind)
      } catch {
        // The relay is away; it will be back.
        await scheduler.wait(50)
      }
    }
  }

  async #joinAgain(): Promise<void> {
    await this.node.join({ jobs: [...this.#jobs.values()].map(({ jobId }) => jobId) })
    for (const job of this.#jobs.values()) job.resend(0)
  }

  async #answer(kind: string): Promise<void> {
    const { wire } = this.node
    if (kind === 'resend') {
      const { jobId, next } = await wire.next('resend')
      this.#jobs.get(hex(jobId))?.resend(next)
    } else if (kind === 'job') {
      const job = await wire.next('job')
      const known = this.#jobs.get(hex(job.jobId))
      if (known) return known.resend(0)
      const taken = await this.node.open(job)
      this.#jobs.set(hex(job.jobId), taken)
      await taken.say('answer')
      await taken.finish()
    } else if (kind === 'ack' || kind === 'forget') await wire.next(kind)
  }
}

/** Asks as a client does, through whatever breaks: resumes, sends again, matches again, follows to another node. */
export async function persist(user: TestUser, question: Question, node: string): Promise<string> {
  let attempt = { question, node }
  const told: string[] = []
  let wire = await reach(user, attempt.node)
  attempt.question.send(wire)
  for (let turn = 0; turn < 200; turn++) {
    if (!wire.open) {
      wire = await reach(user, attempt.node)
      attempt.question.resume(wire)
    }
    const [message] = await wire.quiet()
    switch (message?.kind) {
      case 'frame': {
        const final = await attempt.question.read(wire, 1)
        if (!final) break
        attempt.question.acknowledge(wire)
        return [...told, final.status].join(' ')
      }
      case 'moved': {
        const { to } = await wire.next('moved')
        told.push('moved')
        attempt = { question: await attempt.question.again(to), node: to.node }
        wire = await reach(user, to.node)
        attempt.question.send(wire)
        break
      }
      case 'stopped': {
        const { code } = await wire.next('stopped')
        told.push(code)
        if (code === 'unknown-job') attempt.question.send(wire)
        else {
          const match = await user.match()
          attempt = { question: await attempt.question.again(match), node: match.node }
          wire = await reach(user, match.node)
          attempt.question.send(wire)
        }
        break
      }
      default:
    }
  }
  throw new Error(`no answer came: ${told.join(' ')}`)
}

async function reach(user: TestUser, node: string): Promise<Wire> {
  for (;;) {
    try {
      return await user.connect(node)
    } catch {
      await scheduler.wait(20)
    }
  }
}
