using System.Buffers.Binary;
using Mergeflow.Engine.Keys;
using L = Mergeflow.Engine.Keys.KeyLayout;

namespace Mergeflow.Engine.Xlate;

/// <summary>MPLS label stacks of up to three entries as actions change them (OVS <c>flow_push_mpls</c>, <c>flow_pop_mpls</c>).</summary>
internal sealed unsafe class LabelStack(XlateContext context, Committer committer)
{
    /// <summary>Entries that a flow has room for (OVS <c>FLOW_MAX_MPLS_LABELS</c>).</summary>
    public const int MaxCount = 3;

    /// <summary>The bottom-of-stack bit of an entry, host order.</summary>
    public const uint BottomOfStack = 0x100;

    /// <summary>The bottom-of-stack bit in an 8-byte window at a label stack entry.</summary>
    private const ulong BottomWindow = 0x0001_0000;

    private const string TooMany = "Too many MPLS labels";

    private readonly XlateContext _context = context;
    private readonly XlateFlow _flow = context.Flow;
    private readonly Committer _committer = committer;

    /// <summary>The last label was popped: what stood behind it has not been parsed, so whatever looks at it recirculates first.</summary>
    public bool WasMpls { get; set; }

    /// <summary>Where an entry stands in the flow, from the outermost.</summary>
    public static int LseAt(int index) => L.MplsLse0 + (4 * index);

    /// <summary>Labels in sight, counted up to the bottom of the stack; consults the bits that say so.</summary>
    private int CountLabels()
    {
        if (!_flow.IsMpls) return 0;
        if (FindBottom() is > 0 and var bottom) return bottom;
        int count = 0;
        for (int i = 0; i < MaxCount; i++)
        {
            if (ConsultNonZero(LseAt(i))) count++;
        }

        return count;
    }

    /// <summary>How many entries there are down to the bottom of the stack; 0 = it is not in sight. Consults the bits that say so.</summary>
    private int FindBottom()
    {
        for (int i = 0; i < MaxCount; i++)
        {
            _flow.Consult(LseAt(i), BottomWindow);
            if ((XlateFlow.Read32(_flow.Current, LseAt(i)) & BottomOfStack) != 0) return i + 1;
        }

        return 0;
    }

    /// <summary>
    /// Without a bottom in sight an entry of zero is no entry, as in a truncated frame or behind the pop of the only label (OVS
    /// <c>flow_count_mpls_labels</c>, which leaves out of the mask what it has seen); above a bottom it is one.
    /// </summary>
    private bool ConsultNonZero(int offset)
    {
        if (_context.ReadsWhatItWrites) return *(uint*)(_flow.Current + offset) != 0;
        for (int i = 0; i < 4; i++)
        {
            if (_flow.Current[offset + i] != 0) return _flow.ConsultAnyBit(offset + i, 0xff);
        }

        _flow.Consult(offset, L.Window4);
        return false;
    }

    /// <summary>Pushes an entry like the outermost one, or, onto the network layer, one made of its fields.</summary>
    public void Push(ushort etherType)
    {
        int n = CountLabels();
        if (n >= MaxCount)
        {
            _context.FailInBucket(TooMany, "dropping packet on which an MPLS push action can't be performed as it would have more MPLS LSEs than the 3 supported.");
            return;
        }

        if (n > 0)
        {
            for (int i = 0; i < n; i++) _flow.Consult(LseAt(i), L.Window4);
            Shift(n);
        }
        else
        {
            _committer.Commit();
            uint label = _flow.DlType == EthType.Ipv6 ? 2u : 0u;
            uint tc = 0;
            uint ttl = 64;
            if (_flow.IsIp)
            {
                // Three bits of DSCP fit the traffic class; OVS consults all six and keeps the low ones.
                _flow.Consult(L.NwTos, 0xfc);
                _flow.Consult(L.NwTtl, 0xff);
                tc = ((uint)_flow.Current[L.NwTos] >> 2) & 7;
                if (_flow.Current[L.NwTtl] != 0) ttl = _flow.Current[L.NwTtl];
            }

            WriteLse(0, (label << 12) | (tc << 9) | BottomOfStack | ttl);
            HideNetworkLayer();
        }

        _flow.Write(L.DlType, L.Window2, BinaryPrimitives.ReverseEndianness(etherType));
        _flow.IsDirty = true;
    }

    /// <summary>Pops the outermost entry, if there is one.</summary>
    public void Pop(ushort etherType)
    {
        int n = CountLabels();
        if (n == 0) return;
        if (n == MaxCount && (XlateFlow.Read32(_flow.Current, LseAt(n - 1)) & BottomOfStack) == 0)
        {
            _context.FailInBucket(TooMany, "dropping packet on which an MPLS pop action can't be performed as it has more MPLS LSEs than the 3 supported.");
            return;
        }

        TakeOff(n, etherType);
        _flow.IsDirty = true;
        if (etherType is not (EthType.Mpls or EthType.MplsMcast)) WasMpls = true;
    }

    /// <summary>
    /// Puts an entry in front of all that the packet has (OVS <c>rewrite_flow_encap_mpls</c>); what is behind it says nothing of its own time and class. What labels of an Ethernet frame
    /// are is forgotten: they are behind its header. False: it would be one too many.
    /// </summary>
    public bool Add(ushort etherType)
    {
        int n = CountLabels();
        if (n >= MaxCount)
        {
            _context.FailInBucket(TooMany, "dropping packet on which an encap MPLS action can't be performed as it would have more MPLS LSEs than the 3 supported.", isLogged: true);
            return false;
        }

        for (int i = 0; i < n; i++) _flow.Consult(LseAt(i), L.Window4);
        if (_flow.Layers.Type == PacketLayers.Ethernet && _flow.DlType == EthType.Mpls) Forget();
        if (n > 0) Shift(n);
        else
        {
            WriteLse(0, ((_flow.DlType == EthType.Ipv6 ? 2u : 0u) << 12) | BottomOfStack | 64);
            HideNetworkLayer();
        }

        _flow.Write(L.DlType, L.Window2, BinaryPrimitives.ReverseEndianness(etherType));
        return true;
    }

    /// <summary>Pops the outermost entry for <c>decap</c>; returns how many there were, a negative number if that cannot be told.</summary>
    public int PopOne(ushort etherType)
    {
        if (!_flow.IsMpls) return 0;

        // Where no bottom is in sight, entries that were cut off count as well: they would leave nothing to parse.
        int n = FindBottom();
        if (n == 0)
        {
            _context.Fail(TooMany, "dropping packet on which an MPLS decap can't be performed as it has more MPLS LSEs than the 3 supported.", isLogged: true);
            return -1;
        }

        TakeOff(n, etherType);
        return n;
    }

    /// <summary>Decrements the outer label's TTL; false stops the list.</summary>
    /// <param name="isOver">The label has no time left: controllers are told.</param>
    public bool DecTtl(out bool isOver)
    {
        isOver = false;
        if (!_flow.IsMpls)
        {
            _context.Warn("MPLS decrement TTL exception");
            return false;
        }

        int at = LseAt(0) + 3;
        _flow.Consult(at, 0xff);
        byte ttl = _flow.Current[at];
        if (ttl <= 1)
        {
            isOver = true;
            return false;
        }

        _flow.Write(at, 0xff, (ulong)(ttl - 1));
        _flow.IsDirty = true;
        return true;
    }

    /// <summary>After the first push, what was IP is opaque payload: all its fields read as zero.</summary>
    private void HideNetworkLayer()
    {
        foreach (byte lane in Lanes.Headers) _flow.ClearLane(lane);
        _flow.Clear(L.NwFrag, 1);
        _flow.Write(L.Ipv6Label, L.Window4, 0);
        _flow.Write(L.DpHash, L.Window4, 0);
    }

    /// <summary>Makes room for an entry like the outermost of <paramref name="n"/>.</summary>
    private void Shift(int n)
    {
        for (int i = n; i >= 1; i--) WriteLse(i, XlateFlow.Read32(_flow.Current, LseAt(i - 1)));
        WriteLse(0, XlateFlow.Read32(_flow.Current, LseAt(1)) & ~BottomOfStack);
    }

    /// <summary>The outermost of <paramref name="n"/> entries goes.</summary>
    private void TakeOff(int n, ushort etherType)
    {
        for (int i = 1; i < n; i++)
        {
            _flow.Consult(LseAt(i), L.Window4);
            WriteLse(i - 1, XlateFlow.Read32(_flow.Current, LseAt(i)));
        }

        WriteLse(n - 1, 0);
        _flow.Write(L.DlType, L.Window2, BinaryPrimitives.ReverseEndianness(etherType));
    }

    /// <summary>Neither flow nor packet has an entry.</summary>
    private void Forget()
    {
        for (int i = 0; i < MaxCount; i++)
        {
            WriteLse(i, 0);
            *(uint*)(_flow.Base + LseAt(i)) = 0;
            *(uint*)(_flow.BaseLive + LseAt(i)) = 0;
        }
    }

    private void WriteLse(int index, uint value) => _flow.Write(LseAt(index), L.Window4, BinaryPrimitives.ReverseEndianness(value));
}
