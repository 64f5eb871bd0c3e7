const none: readonly never[] = Object.freeze([])

/** The effects of one step, in order. A step without effects allocates nothing. */
export class EffectList<Effect> {
  private list: Effect[] | null = null

  push(effect: Effect): void {
    if (this.list === null) this.list = [effect]
    else this.list.push(effect)
  }

  take(): readonly Effect[] {
    const taken = this.list
    if (taken === null) return none
    this.list = null
    return taken
  }
}
