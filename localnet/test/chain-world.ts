import {
  Chain,
  type ChainServer,
  ChainControl,
  deploy,
  developmentSeed,
  serveChain,
  Wallet,
} from '../src/chain/index.ts'
import { TonClient } from '@ton/ton'
import { vi } from 'vitest'

// A machine that does many things at once emulates ten times slower.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 })

export const GRAM = 1_000_000_000n
export const BEGINNING = 1_800_000_000

/** A chain behind HTTP in this process, its clock in the test's hand. */
export class ChainWorld {
  readonly chain: Chain
  readonly server: ChainServer
  readonly control: ChainControl
  readonly client: TonClient
  readonly clock: { now: number }

  private constructor(chain: Chain, server: ChainServer, clock: { now: number }) {
    this.chain = chain
    this.server = server
    this.clock = clock
    this.control = new ChainControl(server.origin)
    this.client = new TonClient({ endpoint: this.control.endpoint, timeout: 60_000 })
  }

  static async start(): Promise<ChainWorld> {
    const clock = { now: BEGINNING }
    const chain = await Chain.create({ clock: () => clock.now })
    return new ChainWorld(chain, await serveChain(chain, await deploy(chain)), clock)
  }

  stop(): Promise<void> {
    return this.server.close()
  }

  /** A wallet of its own with this much. */
  async wallet(name: string, coins: bigint = 10n * GRAM): Promise<Wallet> {
    const wallet = new Wallet(developmentSeed(name))
    if (coins > 0n) await this.control.faucet(wallet.address.toRawString(), coins)
    return wallet
  }

  get soon(): number {
    return this.chain.now + 300
  }

  async balance(of: { address: Wallet['address'] }): Promise<bigint> {
    return this.client.getBalance(of.address)
  }

  async raw(path: string, init?: RequestInit): Promise<{ status: number; body: Record<string, unknown> }> {
    const response = await fetch(this.server.origin + path, init)
    return { status: response.status, body: (await response.json()) as Record<string, unknown> }
  }

  rpc(method: string, params: object): Promise<{ status: number; body: Record<string, unknown> }> {
    return this.raw('/api/v2/jsonRPC', {
      method: 'POST',
      body: JSON.stringify({ id: '1', jsonrpc: '2.0', method, params }),
    })
  }
}
