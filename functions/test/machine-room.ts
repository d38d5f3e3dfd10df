import { type Bytes, hex, secureRandom } from '@cocoon/protocol'
import { encodeCollateral, encodeStanding, registryDigest } from '@cocoon/protocol/appraisal'
import { vi } from 'vitest'
import { answerSource } from '../../localnet/src/tee/source.ts'
import { SimulatedMachine } from '../../localnet/src/tee/simulated-machine.ts'
import { developmentWorkload } from '../../localnet/src/tee/scene.ts'
import type { SwitchName } from '../../localnet/src/tee/switches.ts'
import { TestNode } from './test-node.ts'

/** What the world outside of the broker says: owners, makers, chain. All of it for one simulated machine. */
export class MachineRoom {
  readonly node: TestNode
  readonly machine: SimulatedMachine
  /** Addresses that were asked, without their queries. */
  readonly asked: string[] = []
  /** Hosts that do not answer. */
  readonly away = new Set<string>()
  /** What the chain announces instead of the statement that is published; null: nothing. */
  announced: { digest: Bytes; sequence: number } | null | undefined

  private constructor(node: TestNode, machine: SimulatedMachine) {
    this.node = node
    this.machine = machine
  }

  static async open(options: { tee?: 'tdx' | 'sev-snp' } = {}): Promise<MachineRoom> {
    const node = await TestNode.create()
    const machine = new SimulatedMachine({
      identity: node.signer.publicKey,
      workload: await developmentWorkload(),
      random: secureRandom,
      clock: () => Math.floor(Date.now() / 1000),
      gpus: ['hopper'],
      ...options,
    })
    const room = new MachineRoom(node, machine)
    vi.stubGlobal('fetch', (url: string, init?: RequestInit) => room.#answer(new URL(url), init))
    return room
  }

  close(): void {
    vi.unstubAllGlobals()
  }

  /** Shows the machine as it is now; the statement names that evidence. */
  async attested(broken: readonly SwitchName[] = []) {
    for (const name of broken) this.machine.break(name)
    const { bytes, digest, collateral } = await this.machine.evidence()
    this.node.statement = await this.node.newStatement({ evidence: digest })
    return { digest: hex(digest), attested: { evidence: bytes, collateral: encodeCollateral(collateral) } }
  }

  /** How the relay closes the door, or undefined when it lets the node in. */
  async join(
    attested: { evidence: Bytes; collateral: Bytes | null } | undefined,
    slots = 4,
  ): Promise<string | undefined> {
    const wire = await this.node.dial()
    this.node.wire = wire
    wire.send(
      await this.node.hello(await wire.next('challenge'), { slots, free: slots, ...(attested ? { attested } : {}) }),
    )
    return Promise.race([wire.next('joined').then(() => undefined), wire.closed.then(({ reason }) => reason)])
  }

  async #answer(url: URL, init?: RequestInit): Promise<Response> {
    const { host, pathname } = url
    this.asked.push(`${host}${pathname}`)
    if (this.away.has(host)) throw new TypeError('the network is away')
    if (host === 'owners.test') return new Response(encodeStanding(await this.machine.registry()))
    if (host === 'chain.test') return this.#chain(init)
    const [, maker = '', ...path] = pathname.split('/')
    const asked = new URL(`https://${maker}/${path.join('/')}${url.search}`)
    const { status, headers, body } = await answerSource(await this.machine.endorsements(), asked)
    return new Response(body, { status, headers })
  }

  async #chain(init?: RequestInit): Promise<Response> {
    const call = JSON.parse(init?.body as string) as { method: string; params: { address: string; method: string } }
    if (call.method !== 'runGetMethod' || call.params.method !== 'registry') return Response.json({ ok: false })
    const published = (await this.machine.registry()).registry.body
    const now = { digest: await registryDigest(published), sequence: Math.floor(Date.now() / 86_400_000) }
    const { digest, sequence } = this.announced === undefined ? now : (this.announced ?? { digest: null, sequence: 0 })
    const number = (value: number | bigint) => ['num', `0x${value.toString(16)}`]
    const word = digest ? BigInt(`0x${hex(digest)}`) : 0n
    const stack = [number(1), number(2), number(3), number(word), number(sequence), number(0), number(0)]
    return Response.json({ ok: true, result: { exit_code: 0, stack } })
  }
}
