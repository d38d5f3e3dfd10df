/**
 * Whose chats and sign-in these are: several accounts of one Telegram may share a browser's storage. The user's id, which
 * never changes; their name and picture do. Nothing is believed of it: it only chooses a place on this device.
 */
export function personOf(initData: string | undefined): string {
  try {
    const user: unknown = JSON.parse(new URLSearchParams(initData).get('user') ?? 'null')
    const id = typeof user === 'object' && user !== null && 'id' in user ? user.id : undefined
    if (Number.isSafeInteger(id)) return `telegram:${String(id)}`
  } catch {
    // Not Telegram's: as without it.
  }
  return 'device'
}
