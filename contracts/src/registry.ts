import type { Bytes } from '@cocoon/protocol'
import { type Address, Cell, type Contract, type ContractProvider, type StateInit } from '@ton/core'
import { fromUint256, toUint256 } from './account.ts'
import type { ExitCode } from './exit-codes.ts'
import { accountNumber, addressFrom, type ListedBroker } from './registry/change.ts'
import {
  type InitialRegistry,
  parseRegistryState,
  registryAddress,
  registryStateInit,
  type RegistryState,
} from './registry/state.ts'

export { type Change, changeCell, type ListedBroker, parseChange } from './registry/change.ts'
export * from './registry/messages.ts'
export * from './registry/state.ts'

/** What the getter `registry` says. */
export interface RegistryView {
  readonly owner: Address
  readonly guardian: Address
  /** Seconds. */
  readonly delay: number
  readonly digest: Bytes | null
  readonly sequence: bigint
  readonly successor: Address | null
  /** How many changes wait. */
  readonly waiting: number
}

/** A Registry to be asked through a sandbox or a `TonClient`. Messages to it are made by the functions of registry/messages.ts. */
export class Registry implements Contract {
  readonly address: Address
  readonly init?: StateInit

  private constructor(address: Address, init?: StateInit) {
    this.address = address
    if (init) this.init = init
  }

  /** `code`: another than the pinned one is for tests. */
  static of(initial: InitialRegistry, code?: Cell): Registry {
    return new Registry(registryAddress(initial, code), registryStateInit(initial, code))
  }

  /** The one whose address a build pins. */
  static at(address: Address): Registry {
    return new Registry(address)
  }

  async getRegistry(provider: ContractProvider): Promise<RegistryView> {
    const { stack } = await provider.get('registry', [])
    const view = { owner: stack.readAddress(), guardian: stack.readAddress(), delay: stack.readNumber() }
    const digest = stack.readBigNumber()
    return {
      ...view,
      digest: digest === 0n ? null : fromUint256(digest),
      sequence: stack.readBigNumber(),
      successor: addressFrom(stack.readBigNumber()),
      waiting: stack.readNumber(),
    }
  }

  /** `hash`: 32 bytes, of a code cell. */
  async getIsAccepted(provider: ContractProvider, hash: Bytes): Promise<boolean> {
    const { stack } = await provider.get('isAccepted', [{ type: 'int', value: toUint256(hash) }])
    return stack.readBoolean()
  }

  /** Undefined for an account that is no broker. */
  async getBroker(provider: ContractProvider, account: Address): Promise<ListedBroker | undefined> {
    const { stack } = await provider.get('broker', [{ type: 'int', value: accountNumber(account) }])
    const key = stack.readBigNumber()
    return key === 0n ? undefined : { key: fromUint256(key), maximumFee: stack.readNumber() }
  }

  /** Everything, of one block. @throws Error while nothing is deployed at the address */
  async getState(provider: ContractProvider): Promise<RegistryState> {
    const { state } = await provider.getState()
    if (state.type !== 'active' || !state.data) throw new Error('no Registry is deployed there')
    return parseRegistryState(Cell.fromBoc(state.data)[0] ?? Cell.EMPTY)
  }
}

/** Every exit code of the Registry, as tolk/registry/rules.tolk numbers them. Whatever throws changes nothing and bounces. */
export const registryExitCodes = {
  501: { name: 'not-owner', action: 'fix-call', advice: 'Only the owner queues changes.' },
  502: {
    name: 'neither-owner-nor-guardian',
    action: 'fix-call',
    advice: 'Send it from the owner or the guardian.',
  },
  503: { name: 'queue-full', action: 'wait', advice: 'Sixteen changes wait; apply or cancel one first.' },
  504: { name: 'nothing-waits', action: 'fix-call', advice: 'The queue is empty.' },
  505: { name: 'too-early', action: 'wait', advice: 'Wait until the date of the oldest change.' },
  506: { name: 'unknown-change', action: 'fetch-again', advice: 'Read the queue: it was applied or cancelled.' },
  507: { name: 'own-replacement', action: 'fix-call', advice: 'The guardian cannot cancel its own replacement.' },
  508: { name: 'nothing-to-revoke', action: 'fetch-again', advice: 'Read the Registry: it is not listed.' },
  509: { name: 'not-lower', action: 'fix-call', advice: 'Name a fee below the one that stands; raising one waits.' },
  510: { name: 'delay-too-long', action: 'fix-call', advice: 'At most 30 days.' },
  511: { name: 'not-a-fee', action: 'fix-call', advice: 'A fee has 0 to 10000 basis points.' },
  512: { name: 'sequence-too-low', action: 'fix-call', advice: 'Give the content a sequence above the last one.' },
  65535: { name: 'unknown-message', action: 'fix-call', advice: 'The Registry has no such message.' },
} as const satisfies Record<number, ExitCode>
