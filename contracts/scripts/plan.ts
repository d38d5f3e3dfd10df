import { fromHex, type NetworkName, networks } from '@cocoon/protocol'
import { formatGrams, parseGrams } from '@cocoon/protocol/money'
import { Address, Cell, type StateInit } from '@ton/core'
import {
  applyChangeMessage,
  ATTACH,
  cancelChangeMessage,
  cancelCloseMessage,
  type Change,
  Channel,
  channelCode,
  collectFeesMessage,
  finishCloseMessage,
  openMessage,
  queueChangeMessage,
  Registry,
  registryStateInit,
  requestCloseMessage,
  revokeBrokerMessage,
  revokeCodeMessage,
  revokeMessage,
  rotateBrokerKeyMessage,
} from '../src/index.ts'

/** What the caller has to mend before anything can be planned. */
export class PlanError extends Error {
  override readonly name = 'PlanError'
}

export interface PlannedMessage {
  readonly to: Address
  /** Nanograms. */
  readonly value: bigint
  readonly body: Cell
  readonly init?: StateInit
}

export interface Plan {
  readonly network: NetworkName
  /** What would happen, for a person to read before saying yes. */
  readonly words: readonly string[]
  readonly messages: readonly PlannedMessage[]
}

/** As `parseArgs` gives them. */
export type Values = Readonly<Record<string, string | readonly string[] | undefined>>

/** Unix seconds. */
type Now = number

interface Command {
  readonly about: string
  readonly needs: readonly string[]
  plan(read: Reader, now: Now): { words: string[]; messages: PlannedMessage[] }
}

/** As many as the sweep puts into one message of a W5 wallet. */
const MOST_CHANNELS = 100
const DAY = 86_400
const REGISTRY_RENT = 1_000_000_000n

/** One kind of message to each of the channels named. */
const toChannels = (what: string, body: () => Cell) => (read: Reader) => ({
  words: read.channels().map((channel) => `${what} ${read.show(channel)}, attaching ${formatGrams(ATTACH)} GRAM`),
  messages: read.channels().map((to) => ({ to, value: ATTACH, body: body() })),
})
const toRegistry = (read: Reader, what: string, body: Cell) => ({
  words: [`${what}, at the Registry ${read.show(read.address('registry'))}`],
  messages: [{ to: read.address('registry'), value: ATTACH, body }],
})
const queue = (read: Reader, what: string, change: Change) =>
  toRegistry(read, `queue: ${what}; it takes effect after the delay`, queueChangeMessage({ change }))

export const commands: Readonly<Record<string, Command>> = {
  open: {
    about: "open one's own channel and register a payer key",
    needs: ['owner', 'broker', 'broker-key', 'fee', 'payer-key', 'limit', 'days', 'deposit'],
    plan(read, now) {
      const owner = read.address('owner')
      const initial = { owner, ...read.terms() }
      const channel = Channel.of(initial)
      const [limit, deposit] = [read.grams('limit'), read.grams('deposit')]
      const expires = now + read.whole('days', 3650) * DAY
      const words = [
        `open the channel ${read.show(channel.address)} of ${read.show(owner)}`,
        `with the broker ${read.show(initial.broker)} at ${initial.feeBasisPoints} basis points`,
        `depositing ${formatGrams(deposit)} GRAM; the payer key may spend ${formatGrams(limit)} until ${new Date(expires * 1000).toISOString()}`,
      ]
      const body = openMessage({ key: read.key('payer-key'), limit, expires })
      const init = channel.init
      return { words, messages: [{ to: channel.address, value: deposit, body, ...(init ? { init } : {}) }] }
    },
  },
  revoke: {
    about: 'revoke a payer key for good',
    needs: ['channel', 'payer-key'],
    plan: (read) => toChannels('revoke the payer key at', () => revokeMessage({ key: read.key('payer-key') }))(read),
  },
  'request-close': {
    about: "request the closing of one's own channel",
    needs: ['channel'],
    plan: toChannels('request the closing of', requestCloseMessage),
  },
  'cancel-close': {
    about: 'cancel the closing',
    needs: ['channel'],
    plan: toChannels('cancel the closing of', cancelCloseMessage),
  },
  'finish-close': {
    about: 'finish closings whose date has come (anyone may)',
    needs: ['channel'],
    plan: toChannels('finish the closing of', finishCloseMessage),
  },
  'collect-fees': {
    about: "send accrued fees to the broker's address (anyone may)",
    needs: ['channel'],
    plan: toChannels('collect the fees of', collectFeesMessage),
  },
  'rotate-broker-key': {
    about: "rotate the broker key, from the broker's address",
    needs: ['channel', 'broker-key'],
    plan: (read) =>
      toChannels('rotate the broker key at', () => rotateBrokerKeyMessage({ key: read.key('broker-key') }))(read),
  },
  'deploy-registry': {
    about: 'deploy the Registry with the pinned channel code and one broker',
    needs: ['owner', 'guardian', 'delay', 'broker', 'broker-key', 'fee'],
    plan(read) {
      const { broker, brokerKey, feeBasisPoints } = read.terms()
      const initial = {
        owner: read.address('owner'),
        guardian: read.address('guardian'),
        delay: read.whole('delay', 30 * DAY),
        codes: [new Uint8Array(channelCode.hash())],
        brokers: [{ account: broker, key: brokerKey, maximumFee: feeBasisPoints }],
      }
      const { address } = Registry.of(initial)
      const words = [
        `deploy the Registry ${read.show(address)} with ${formatGrams(REGISTRY_RENT)} GRAM for rent`,
        `owner ${read.show(initial.owner)}, guardian ${read.show(initial.guardian)}, delay ${initial.delay} s`,
        `accepting channel code ${channelCode.hash().toString('hex')}`,
        `and the broker ${read.show(broker)} up to ${feeBasisPoints} basis points`,
      ]
      return {
        words,
        messages: [{ to: address, value: REGISTRY_RENT, body: Cell.EMPTY, init: registryStateInit(initial) }],
      }
    },
  },
  'queue-code': {
    about: 'queue the acceptance of a channel code',
    needs: ['registry', 'hash'],
    plan: (read) => queue(read, 'accept a channel code', { kind: 'accept-code', hash: read.key('hash') }),
  },
  'queue-broker': {
    about: 'queue a broker, or a change of one',
    needs: ['registry', 'broker', 'broker-key', 'fee'],
    plan(read) {
      const { broker: account, brokerKey, feeBasisPoints } = read.terms()
      const broker = { key: brokerKey, maximumFee: feeBasisPoints }
      return queue(read, `list the broker ${read.show(account)}`, { kind: 'set-broker', account, broker })
    },
  },
  'queue-content': {
    about: 'queue the digest of a registry statement',
    needs: ['registry', 'hash', 'sequence'],
    plan(read) {
      const sequence = BigInt(read.whole('sequence', Number.MAX_SAFE_INTEGER))
      return queue(read, `announce statement ${sequence}`, { kind: 'set-content', digest: read.key('hash'), sequence })
    },
  },
  'apply-change': {
    about: 'apply the oldest change whose time has come (anyone may)',
    needs: ['registry'],
    plan: (read) => toRegistry(read, 'apply the oldest waiting change', applyChangeMessage()),
  },
  'cancel-change': {
    about: 'cancel a waiting change',
    needs: ['registry', 'number'],
    plan(read) {
      const number = read.whole('number', 2 ** 32 - 1)
      return toRegistry(read, `cancel change ${number}`, cancelChangeMessage({ number }))
    },
  },
  'revoke-code': {
    about: 'revoke a channel code at once',
    needs: ['registry', 'hash'],
    plan: (read) => toRegistry(read, 'revoke a channel code at once', revokeCodeMessage({ hash: read.key('hash') })),
  },
  'revoke-broker': {
    about: 'revoke a broker at once',
    needs: ['registry', 'broker'],
    plan(read) {
      const account = read.address('broker')
      return toRegistry(read, `revoke the broker ${read.show(account)} at once`, revokeBrokerMessage({ account }))
    },
  },
}

/** Makes a plan of what was typed, or says what is missing. Nothing is sent, asked or read from anywhere else. */
export function planOf(command: string, network: string, values: Values, now: Now): Plan {
  const known = Object.hasOwn(commands, command) ? commands[command] : undefined
  if (!known) throw new PlanError(`no command ${command}; there are ${Object.keys(commands).join(', ')}`)
  if (!Object.hasOwn(networks, network)) throw new PlanError(`--network is one of ${Object.keys(networks).join(', ')}`)
  const missing = known.needs.filter((name) => values[name] === undefined)
  if (missing.length > 0) throw new PlanError(`${command} needs ${missing.map((name) => `--${name}`).join(' ')}`)
  const foreign = Object.keys(values).filter((name) => values[name] !== undefined && !known.needs.includes(name))
  if (foreign.length > 0) throw new PlanError(`${command} knows no ${foreign.map((name) => `--${name}`).join(' ')}`)
  return { network: network as NetworkName, ...known.plan(new Reader(network as NetworkName, values), now) }
}

/** Reads what was typed, and says of each mistake where it is. */
class Reader {
  readonly #network: NetworkName
  readonly #values: Values

  constructor(network: NetworkName, values: Values) {
    this.#network = network
    this.#values = values
  }

  show(address: Address): string {
    return address.toString({ testOnly: this.#network === 'testnet' })
  }

  address(name: string): Address {
    return this.#parseAddress(name, this.#text(name))
  }

  channels(): Address[] {
    const given = [this.#values['channel'] ?? []].flat()
    if (given.length > MOST_CHANNELS) throw new PlanError(`at most ${MOST_CHANNELS} channels at a time`)
    return given.map((text) => this.#parseAddress('channel', text))
  }

  /** 32 public bytes, in hex. */
  key(name: string): Uint8Array<ArrayBuffer> {
    const text = this.#text(name)
    if (!/^[0-9a-f]{64}$/.test(text)) throw new PlanError(`--${name} has 64 lower-case hex digits`)
    return fromHex(text)
  }

  grams(name: string): bigint {
    try {
      return parseGrams(this.#text(name))
    } catch (cause) {
      throw new PlanError(`--${name}: ${(cause as Error).message}`, { cause })
    }
  }

  whole(name: string, most: number): number {
    const text = this.#text(name)
    if (!/^\d{1,16}$/.test(text) || Number(text) > most)
      throw new PlanError(`--${name} is a whole number up to ${most}`)
    return Number(text)
  }

  terms() {
    return {
      broker: this.address('broker'),
      brokerKey: this.key('broker-key'),
      feeBasisPoints: this.whole('fee', 10_000),
      network: networks[this.#network],
    }
  }

  #text(name: string): string {
    const value = this.#values[name]
    if (typeof value !== 'string') throw new PlanError(`--${name} is given once`)
    return value
  }

  #parseAddress(name: string, text: string): Address {
    try {
      return Address.parse(text)
    } catch (cause) {
      throw new PlanError(`--${name} is no address`, { cause })
    }
  }
}
