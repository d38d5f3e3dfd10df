import { useSyncExternalStore } from 'react'

/** Where in the app a person is. Paths are ours; the hash is Telegram's. */
const places = {
  home: '/',
  chats: '/chats',
  settings: '/settings',
  instructions: '/settings/instructions',
  privacy: '/privacy',
  terms: '/terms',
  network: '/network',
  provide: '/provide',
} as const
export type PlaceName = keyof typeof places

const listeners = new Set<() => void>()
/** How many pages lie before this one in the window's history. */
function depth(): number {
  const state: unknown = history.state
  return typeof state === 'object' && state !== null && 'depth' in state ? Number(state.depth) || 0 : 0
}

export function currentPlace(): PlaceName {
  const path = location.pathname.replace(/\/+$/, '') || '/'
  const names = Object.keys(places) as PlaceName[]
  return names.find((name) => places[name] === path) ?? 'home'
}

/** How far down each page was left. */
export const left = new Map<PlaceName, number>()

export function goTo(place: PlaceName): void {
  if (place === currentPlace()) return
  left.delete(place)
  // Home is the beginning: whoever goes there is done with the pages.
  if (place === 'home') return goHome()
  history.pushState({ depth: depth() + 1 }, '', places[place] + location.search)
  tell()
}

/** One page back; home where the app was opened in the middle. */
export function goBack(): void {
  if (depth() > 0) history.back()
  else goHome()
}

function goHome(): void {
  if (depth() > 0) return history.go(-depth())
  history.replaceState(null, '', places.home + location.search)
  tell()
}

function tell(): void {
  for (const listener of listeners) listener()
}

/** Begins to listen to the browser's own back and forward. */
export function watchPlace(): () => void {
  // The pages put themselves where they were.
  history.scrollRestoration = 'manual'
  addEventListener('popstate', tell)
  return () => removeEventListener('popstate', tell)
}

const subscribe = (listener: () => void) => {
  listeners.add(listener)
  return () => listeners.delete(listener)
}
export function usePlace(): PlaceName {
  return useSyncExternalStore(subscribe, currentPlace)
}
