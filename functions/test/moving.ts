import { equal, fromBase64url, fromUtf8, type MatchResponse, utf8 } from '@cocoon/protocol'
import { env } from 'cloudflare:workers'
import type { Lease } from '../src/token.ts'
import { nodeLeaves, used } from './asking.ts'
import { type Question, TestUser } from './test-client.ts'
import { MODEL, TestNode } from './test-node.ts'
import type { Wire } from './wire.ts'

const CONTENT = '{"messages":["why"]}'

/** Who is there when a job is moved: its node, another that joins later, and a user. */
export class Moving {
  readonly node: TestNode
  readonly other: TestNode
  readonly user: TestUser

  private constructor(node: TestNode, other: TestNode, user: TestUser) {
    this.node = node
    this.other = other
    this.user = user
  }

  static async begin(): Promise<Moving> {
    return new Moving(await TestNode.joined(), await TestNode.create(), await TestUser.signIn())
  }

  otherJoins(slots = 4): Promise<void> {
    return this.other.join({ slots, free: slots })
  }

  /** A question with a lease that reserves nothing. */
  async unreserved(lease: Partial<Lease> = {}): Promise<Question> {
    const { user, node } = this
    return user.prepare(node, utf8(CONTENT), await user.lease(node, { reserved: false, ...lease }))
  }

  /** A question that its node has, and no frame of its answer. */
  async sent(): Promise<{ question: Question; wire: Wire }> {
    const question = await this.unreserved()
    const wire = await this.user.connect(this.node.id)
    question.send(wire)
    await this.node.takeJob()
    return { question, wire }
  }

  /** The node's socket breaks, and the relay knows. */
  nodeLeaves(): Promise<void> {
    return nodeLeaves(this.node)
  }

  /** Follows a moved job to its end: what came of it, and what it cost. */
  async follow(question: Question, to: MatchResponse): Promise<Followed> {
    const again = await question.again(to)
    const wire = await this.user.connect(to.node)
    again.send(wire)
    const job = await this.other.takeJob()
    await job.say('because')
    await job.finish()
    const final = await again.read(wire)
    const sameJob = equal(again.jobId, question.jobId) && fromUtf8(job.content) === CONTENT
    return { node: to.node, sameJob, status: final?.status, text: again.text, questions: await used(this.user) }
  }

  /** What following should come to. */
  get answered(): Followed {
    return { node: this.other.id, sameJob: true, status: 'done', text: 'because', questions: 1 }
  }
}

interface Followed {
  readonly node: string
  /** The same sealed bytes. */
  readonly sameJob: boolean
  readonly status: string | undefined
  readonly text: string
  readonly questions: number
}

/** What a lease says, as its bearer could read it. */
export function readToken(token: string): Lease {
  return JSON.parse(fromUtf8(fromBase64url(token.split('.')[0] ?? ''))) as Lease
}

export async function freeSlots(): Promise<number> {
  return (await env.MATCHER.getByName(`${MODEL}|world`).summary()).free
}
