namespace Mergeflow.Engine.Offload;

/// <summary>
/// Which rules depend on a megaflow or connection: doubly linked lists through one array of nodes, so that linking and unlinking cost no
/// allocation and no search.
/// </summary>
internal sealed class DependencyIndex
{
    private const int None = -1;

    private struct Node
    {
        public MergedFlow? Rule;
        public ulong Owner;
        public int NextOfOwner;
        public int PreviousOfOwner;
        public int NextOfRule;
    }

    private readonly Dictionary<ulong, int> _first = [];
    private Node[] _nodes = new Node[64];
    private int _used;
    private int _free = None;
    private int _freeCount;

    /// <summary>Key of a megaflow.</summary>
    public static ulong OfMegaflow(int id) => (uint)id;

    /// <summary>Key of a connection.</summary>
    public static ulong OfConn(int id) => (1UL << 32) | (uint)id;

    /// <summary>True if no rule depends on the owner.</summary>
    public bool IsEmpty(ulong owner) => !_first.ContainsKey(owner);

    /// <summary>Makes room for so many more links, so that <see cref="Link"/> cannot fail.</summary>
    public void Reserve(int links)
    {
        int needed = _used + Math.Max(0, links - _freeCount);
        if (needed > _nodes.Length) Array.Resize(ref _nodes, Math.Max(needed, _nodes.Length * 2));
        _first.EnsureCapacity(_first.Count + links);
    }

    /// <summary>The rule depends on the owner from now on. There must be room: <see cref="Reserve"/>.</summary>
    public void Link(MergedFlow rule, ulong owner)
    {
        int n = _free;
        if (n == None)
        {
            n = _used++;
        }
        else
        {
            _free = _nodes[n].NextOfOwner;
            _freeCount--;
        }

        ref int first = ref System.Runtime.InteropServices.CollectionsMarshal.GetValueRefOrAddDefault(_first, owner, out bool exists);
        int next = exists ? first : None;
        _nodes[n] = new Node { Rule = rule, Owner = owner, NextOfOwner = next, PreviousOfOwner = None, NextOfRule = rule.FirstLink };
        if (next != None) _nodes[next].PreviousOfOwner = n;
        first = n;
        rule.FirstLink = n;
    }

    /// <summary>Removes all links of a rule.</summary>
    public void Unlink(MergedFlow rule)
    {
        int n = rule.FirstLink;
        while (n != None)
        {
            ref Node node = ref _nodes[n];
            int nextOfRule = node.NextOfRule;
            if (node.NextOfOwner != None) _nodes[node.NextOfOwner].PreviousOfOwner = node.PreviousOfOwner;
            if (node.PreviousOfOwner != None) _nodes[node.PreviousOfOwner].NextOfOwner = node.NextOfOwner;
            else if (node.NextOfOwner != None) _first[node.Owner] = node.NextOfOwner;
            else _first.Remove(node.Owner);
            node = default;
            node.NextOfOwner = _free;
            _free = n;
            _freeCount++;
            n = nextOfRule;
        }

        rule.FirstLink = None;
    }

    /// <summary>Copies the rules that depend on the owner to <paramref name="into"/>.</summary>
    public void Collect(ulong owner, List<MergedFlow> into)
    {
        if (!_first.TryGetValue(owner, out int n)) return;
        for (; n != None; n = _nodes[n].NextOfOwner) into.Add(_nodes[n].Rule!);
    }
}
