import { beginCell, type Builder, Cell, Dictionary, type Slice } from '@ton/core'
import { defaultConfig } from '@ton/sandbox'

/**
 * Prices mainnet voted in spring 2026, read from its configuration of August. The one that comes with the sandbox is
 * older and six times dearer.
 */
const GAS = { flatLimit: 100n, flatPrice: 6_667n, price: 4_369_067n }
const FORWARD = { lump: 66_667n, bit: 4_369_067n, cell: 436_906_667n }
const STORAGE = { since: 1_777_500_000, bit: 0n, cell: 135n }

/** Parameters above this are validators, elections and bridges: big, and nothing here reads them. */
const LAST_USED = 31

const opaque = {
  serialize: (from: Slice, to: Builder): void => void to.storeSlice(from),
  parse: (from: Slice): Slice => from.clone(),
}

/** The chain's configuration (block.tlb, ConfigParam 18, 19, 21 and 25 replaced). `network` is TON's global id. */
export function chainConfig(network: number): Cell {
  const config = Dictionary.loadDirect(
    Dictionary.Keys.Int(32),
    Dictionary.Values.Cell(),
    Cell.fromBase64(defaultConfig),
  )
  const parameter = (number: number): Slice => {
    const cell = config.get(number)
    if (!cell) throw new Error(`the configuration has no parameter ${number}`)
    return cell.beginParse()
  }
  for (const number of config.keys()) if (number < 0 || number > LAST_USED) config.delete(number)

  // GLOBALID reads it.
  config.set(19, beginCell().storeInt(network, 32).endCell())

  const gasLimits = parameter(21).skip(8 + 64 + 64 + 8 + 64)
  const gas = beginCell().storeUint(0xd1, 8).storeUint(GAS.flatLimit, 64).storeUint(GAS.flatPrice, 64)
  config.set(21, gas.storeUint(0xde, 8).storeUint(GAS.price, 64).storeSlice(gasLimits).endCell())

  const fractions = parameter(25).skip(8 + 3 * 64)
  const forward = beginCell().storeUint(0xea, 8).storeUint(FORWARD.lump, 64).storeUint(FORWARD.bit, 64)
  config.set(25, forward.storeUint(FORWARD.cell, 64).storeSlice(fractions).endCell())

  const storage = Dictionary.loadDirect(Dictionary.Keys.Uint(32), opaque, config.get(18) ?? null)
  const masterchain = storage
    .get(0)
    ?.clone()
    .skip(8 + 32 + 64 + 64)
  if (!masterchain) throw new Error('the configuration has no storage prices')
  const rent = beginCell().storeUint(0xcc, 8).storeUint(STORAGE.since, 32).storeUint(STORAGE.bit, 64)
  storage.set(STORAGE.since, rent.storeUint(STORAGE.cell, 64).storeSlice(masterchain).asSlice())
  config.set(18, beginCell().storeDictDirect(storage).endCell())
  return beginCell().storeDictDirect(config).endCell()
}
