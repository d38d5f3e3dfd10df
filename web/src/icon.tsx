/** One sprite: 24 grid, 1.75 stroke, round ends, no fills. */
export type IconName =
  | 'chats'
  | 'pen'
  | 'up'
  | 'stop'
  | 'copy'
  | 'again'
  | 'more'
  | 'down'
  | 'next'
  | 'check'
  | 'cross'
  | 'offline'
  | 'sealed'
  | 'eye'
  | 'ask'
  | 'machine'
  | 'gift'
  | 'compose'
  | 'plus'
  | 'back'
  | 'search'
  | 'network'
  | 'settings'
  | 'contract'
  | 'share'
  | 'save'
  | 'bin'
  | 'flag'
  | 'prompts'

export function Icon({ name, small = false }: { readonly name: IconName; readonly small?: boolean }) {
  return (
    <svg className={small ? 'icon small' : 'icon'} aria-hidden="true">
      <use href={`#${name}`} />
    </svg>
  )
}

export function Sprite() {
  return (
    <svg width="0" height="0" className="sprite" aria-hidden="true">
      <symbol id="chats" viewBox="0 0 24 24">
        <path d="M5 7h14M5 12h9M5 17h11" />
      </symbol>
      <symbol id="pen" viewBox="0 0 24 24">
        <path d="M12 20h8M4 20l1-4.2L15.8 5a2 2 0 0 1 2.8 0l.4.4a2 2 0 0 1 0 2.8L8.2 19z" />
      </symbol>
      <symbol id="compose" viewBox="0 0 24 24">
        <path d="M12 5H8a3 3 0 0 0-3 3v8a3 3 0 0 0 3 3h8a3 3 0 0 0 3-3v-4M11 13l.6-2.6 6.2-6.2a1.4 1.4 0 0 1 2 2l-6.2 6.2z" />
      </symbol>
      <symbol id="up" viewBox="0 0 24 24">
        <path d="M12 19V5.5M6 11l6-6 6 6" />
      </symbol>
      <symbol id="stop" viewBox="0 0 24 24">
        <rect x="8" y="8" width="8" height="8" rx="1.5" fill="currentColor" />
      </symbol>
      <symbol id="copy" viewBox="0 0 24 24">
        <rect x="9" y="9" width="11" height="11" rx="3" />
        <path d="M15 5.5A2.5 2.5 0 0 0 12.5 4h-6A2.5 2.5 0 0 0 4 6.5v6A2.5 2.5 0 0 0 5.5 15" />
      </symbol>
      <symbol id="again" viewBox="0 0 24 24">
        <path d="M19.5 12a7.5 7.5 0 1 1-2.2-5.3L19.5 9M19.5 4v5h-5" />
      </symbol>
      <symbol id="more" viewBox="0 0 24 24">
        <path d="M5.5 12h.01M12 12h.01M18.5 12h.01" strokeWidth="2.75" />
      </symbol>
      <symbol id="down" viewBox="0 0 24 24">
        <path d="m7 10 5 5 5-5" />
      </symbol>
      <symbol id="next" viewBox="0 0 24 24">
        <path d="m9 6 6 6-6 6" />
      </symbol>
      <symbol id="check" viewBox="0 0 24 24">
        <path d="m5 12.5 4.5 4.5L19 7.5" />
      </symbol>
      <symbol id="cross" viewBox="0 0 24 24">
        <path d="m7 7 10 10M17 7 7 17" />
      </symbol>
      <symbol id="offline" viewBox="0 0 24 24">
        <path d="M4 4l16 16M8.5 13.5a5 5 0 0 1 5-1.3M5 10a10 10 0 0 1 4-2.4M12.5 7A10 10 0 0 1 19 10M12 18h.01" />
      </symbol>
      <symbol id="sealed" viewBox="0 0 24 24">
        <rect x="3.5" y="5.5" width="17" height="13" rx="3" />
        <path d="m4.5 8 6 4.6a2.4 2.4 0 0 0 3 0l6-4.6" />
      </symbol>
      <symbol id="eye" viewBox="0 0 24 24">
        <path d="M2.8 12S6.2 5.8 12 5.8 21.2 12 21.2 12 17.8 18.2 12 18.2 2.8 12 2.8 12z" />
        <circle cx="12" cy="12" r="2.8" />
      </symbol>
      <symbol id="ask" viewBox="0 0 24 24">
        <path d="M20 11.5a7.5 7.5 0 0 1-11 6.6L4.5 19.5 6 15.2a7.5 7.5 0 1 1 14-3.7z" />
      </symbol>
      <symbol id="machine" viewBox="0 0 24 24">
        <rect x="4" y="5" width="16" height="6" rx="2" />
        <rect x="4" y="13" width="16" height="6" rx="2" />
        <path d="M7.5 8h.01M7.5 16h.01" strokeWidth="2.5" />
      </symbol>
      <symbol id="gift" viewBox="0 0 24 24">
        <path d="M5.5 11.5V18a1.5 1.5 0 0 0 1.5 1.5h10a1.5 1.5 0 0 0 1.5-1.5v-6.500M12 8v11.500M12 8S10.800 4 8.500 4a2 2 0 0 0 0 4zM12 8s1.200-4 3.500-4a2 2 0 0 1 0 4z" />
        <rect x="4" y="8" width="16" height="3.500" rx="1" />
      </symbol>
      <symbol id="plus" viewBox="0 0 24 24">
        <path d="M12 5v14M5 12h14" />
      </symbol>
      <symbol id="back" viewBox="0 0 24 24">
        <path d="m15 5-7 7 7 7" />
      </symbol>
      <symbol id="search" viewBox="0 0 24 24">
        <circle cx="11" cy="11" r="6" />
        <path d="m15.5 15.5 4.5 4.5" />
      </symbol>
      <symbol id="network" viewBox="0 0 24 24">
        <circle cx="12" cy="5.5" r="2.5" />
        <circle cx="5.5" cy="17.5" r="2.5" />
        <circle cx="18.5" cy="17.5" r="2.5" />
        <path d="M10.8 7.7 6.7 15.3M13.2 7.7l4.1 7.6M8 17.5h8" />
      </symbol>
      <symbol id="settings" viewBox="0 0 24 24">
        <path d="M4 8h8M18 8h2M4 16h2M12 16h8" />
        <circle cx="15" cy="8" r="2.5" />
        <circle cx="9" cy="16" r="2.5" />
      </symbol>
      <symbol id="contract" viewBox="0 0 24 24">
        <path d="M7 4h7l4 4v10a2 2 0 0 1-2 2H7a2 2 0 0 1-2-2V6a2 2 0 0 1 2-2zM9 12h6M9 16h4" />
      </symbol>
      <symbol id="share" viewBox="0 0 24 24">
        <path d="M12 15V4.5M8 8l4-4 4 4M5 13v5a2 2 0 0 0 2 2h10a2 2 0 0 0 2-2v-5" />
      </symbol>
      <symbol id="save" viewBox="0 0 24 24">
        <path d="M12 4.500V15M8 11.500l4 4 4-4M5 13v5a2 2 0 0 0 2 2h10a2 2 0 0 0 2-2v-5" />
      </symbol>
      <symbol id="bin" viewBox="0 0 24 24">
        <path d="M5 7h14M9.500 7V5.500A1.500 1.500 0 0 1 11 4h2a1.500 1.500 0 0 1 1.500 1.500V7M7 7l.7 11a2 2 0 0 0 2 2h4.600a2 2 0 0 0 2-2L17 7M10.500 11v5M13.500 11v5" />
      </symbol>
      <symbol id="flag" viewBox="0 0 24 24">
        <path d="M6 20.500V4.500M6 5c4-2.200 7 2.200 12 0v8.500c-5 2.200-8-2.200-12 0" />
      </symbol>
      <symbol id="prompts" viewBox="0 0 24 24">
        <path d="M5 6.500h14M5 12h9M5 17.500h6M17.500 13.500v6M14.500 16.500h6" />
      </symbol>
    </svg>
  )
}
