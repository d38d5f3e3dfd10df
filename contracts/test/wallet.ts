import { type Address, type Cell, external, internal as relaxed, SendMode, storeMessage, beginCell } from '@ton/core'
import { keyPairFromSeed } from '@ton/crypto'
import { type Blockchain, internal } from '@ton/sandbox'
import { WalletContractV5R1 } from '@ton/ton'
import { digest } from './signed.ts'
import { GRAM } from './world.ts'

export interface WalletMessage {
  readonly to: Address
  readonly value: bigint
  readonly body: Cell
  readonly init?: { code: Cell; data: Cell }
}

/** A W5 wallet as people have it, so that what a message costs is measured from the signature on. */
export class Wallet {
  readonly #contract: WalletContractV5R1
  readonly #secret: Buffer
  readonly #chain: Blockchain
  #seqno = 0

  constructor(chain: Blockchain, name: string) {
    const { publicKey, secretKey } = keyPairFromSeed(Buffer.from(digest(name)))
    this.#secret = secretKey
    this.#chain = chain
    this.#contract = WalletContractV5R1.create({ publicKey, walletId: { networkGlobalId: -239 } })
  }

  get address(): Address {
    return this.#contract.address
  }

  /** Funds and deploys it with a first message to itself. */
  async deploy(now: number): Promise<this> {
    this.#chain.now = now
    await this.#chain.sendMessage(internal({ from: this.address, to: this.address, value: 100n * GRAM, bounce: false }))
    await this.send(now, [{ to: this.address, value: 1n, body: beginCell().endCell() }])
    return this
  }

  /** One signature for up to 255 messages. Says how many bytes it took, and how much gas everything that followed. */
  async send(now: number, messages: readonly WalletMessage[]): Promise<{ size: number; gas: bigint }> {
    const body = this.#contract.createTransfer({
      seqno: this.#seqno,
      secretKey: this.#secret,
      sendMode: SendMode.PAY_GAS_SEPARATELY,
      timeout: now + 60,
      messages: messages.map((message) => relaxed({ ...message, bounce: true })),
    })
    const init = this.#seqno === 0 ? this.#contract.init : undefined
    this.#seqno += 1
    this.#chain.now = now
    const message = external({ to: this.address, ...(init ? { init } : {}), body })
    const { transactions } = await this.#chain.sendMessage(message)
    const gas = transactions.reduce((sum, { description }) => {
      const compute = 'computePhase' in description ? description.computePhase : undefined
      return sum + (compute?.type === 'vm' ? compute.gasUsed : 0n)
    }, 0n)
    return { size: beginCell().store(storeMessage(message)).endCell().toBoc().length, gas }
  }
}
