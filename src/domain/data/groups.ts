/**
 * Connected components by union–find with path halving and union by size (Tarjan 1975; Galler & Fischer 1964): what
 * hangs together by edges, directly or through others.
 */
export class LinkedGroups {
  private readonly parents = new Map<string, string>();
  private readonly sizes = new Map<string, number>();

  link(a: string, b: string): void {
    const [first, second] = [this.rootOf(a), this.rootOf(b)];
    if (first === second) return;
    const [large, small] =
      this.sizes.get(first)! >= this.sizes.get(second)! ? [first, second] : [second, first];
    this.parents.set(small, large);
    this.sizes.set(large, this.sizes.get(large)! + this.sizes.get(small)!);
  }

  /** The representative of a name's component; a name that was never linked is its own. */
  rootOf(name: string): string {
    if (!this.parents.has(name)) {
      this.parents.set(name, name);
      this.sizes.set(name, 1);
    }
    let at = name;
    for (let parent = this.parents.get(at)!; parent !== at; parent = this.parents.get(at)!) {
      const above = this.parents.get(parent)!;
      this.parents.set(at, above);
      at = above;
    }
    return at;
  }

  /** Components of at least two names, each in the order its names were first linked. */
  components(): readonly (readonly string[])[] {
    const members = new Map<string, string[]>();
    for (const name of this.parents.keys()) {
      const root = this.rootOf(name);
      members.set(root, [...(members.get(root) ?? []), name]);
    }
    return [...members.values()].filter((names) => names.length > 1);
  }
}

/** What is linked by any of the given sets, as components: {a,b} and {b,c} become {a,b,c}. */
export function joinedSets(sets: readonly (readonly string[])[]): readonly (readonly string[])[] {
  const groups = new LinkedGroups();
  for (const [first, ...rest] of sets) for (const name of rest) groups.link(first!, name);
  return groups.components();
}
