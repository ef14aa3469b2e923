using System.Buffers.Binary;
using Mergeflow.Engine.Keys;
using Mergeflow.Engine.OpenFlow;
using L = Mergeflow.Engine.Keys.KeyLayout;

namespace Mergeflow.Engine.Xlate;

/// <summary>Table lookups (OVS <c>rule_dpif_lookup_from_table</c>): by what OpenFlow sees, or by the connection's original tuple.</summary>
internal sealed unsafe class RuleLookup(XlateContext context) : IDisposable
{
    private readonly XlateContext _context = context;
    private readonly XlateFlow _flow = context.Flow;
    private readonly LookupScratch _scratch = new();

    /// <inheritdoc/>
    public void Dispose() => _scratch.Dispose();

    /// <summary>The last answer was null because the packet is a fragment, and those are dropped.</summary>
    public bool IsDropped { get; private set; }

    /// <summary>The rule that the flow matches in a table, or null.</summary>
    /// <param name="inPort">1 + port, 0 = the flow's.</param>
    /// <param name="table">The table.</param>
    /// <param name="isFirst">Nothing has written to the flow yet.</param>
    public OfRule? Find(uint inPort, byte table, bool isFirst = false)
    {
        TableIndex? index = _context.Tables.Table(table);
        OfRule? rule = null;

        PacketTreatment treatment = _context.Tables.Treatment;
        if (treatment.StandsAlone && table == 0) return PacketTreatment.Alone;

        // Rules see no ports in fragments (OFPC_FRAG_NORMAL).
        bool fragment = treatment.Fragments != FragmentHandling.NiciraMatch && (_flow.Current[L.NwFrag] & (byte)NwFrag.Any) != 0 && _flow.IsIp;
        ref VisitedTables visited = ref _context.Out.Visited;
        visited.Add(_context.Pipeline.Id, table);
        if (!isFirst) _flow.KeepOwn(ref visited);
        if (fragment) visited.Hide(L.TpSrc, 4);
        if (inPort != 0) visited.Hide(L.InPort, 4);
        IsDropped = fragment && treatment.Fragments == FragmentHandling.Drop;
        if (IsDropped)
        {
            _flow.Consult(L.NwFrag, (byte)NwFrag.Any);
            return null;
        }

        if (index is not null)
        {
            uint ports = *(uint*)(_flow.Current + L.TpSrc);
            uint portsLive = *(uint*)(_flow.Live + L.TpSrc);
            uint oldInPort = *(uint*)(_flow.Current + L.InPort);
            if (fragment)
            {
                _flow.Consult(L.NwFrag, (byte)NwFrag.Any);
                *(uint*)(_flow.Current + L.TpSrc) = 0;

                // That there are none is known; Open vSwitch does not know it of a first fragment, and reads them.
                bool isFirstRead = (_context.IsStaged || index.IsStaged) && (_flow.Current[L.NwFrag] & (byte)NwFrag.Later) == 0;
                if (!isFirstRead) *(uint*)(_flow.Live + L.TpSrc) = 0;
            }

            if (inPort != 0) *(uint*)(_flow.Current + L.InPort) = BinaryPrimitives.ReverseEndianness(inPort - 1);
            var view = new FlowView((ulong*)_flow.Current, (ulong*)_flow.Live, (ulong*)_flow.Consulted, (ulong*)_flow.Excluded);
            bool forgets = _flow.HasNoConnection && (_context.IsStaged || index.IsStaged);
            if (forgets) _flow.RecallConnection();
            rule = _flow.Layers.Type == PacketLayers.Ethernet ? index.Lookup(view, _scratch, _context.IsStaged) : BareLookup.Find(index, _flow);
            if (forgets) _flow.ForgetConnection();
            *(uint*)(_flow.Current + L.InPort) = oldInPort;
            *(uint*)(_flow.Current + L.TpSrc) = ports;
            *(uint*)(_flow.Live + L.TpSrc) = portsLive;
        }

        return rule;
    }

    /// <summary>For <c>resubmit(,T,ct)</c>: the lookup sees the connection's original tuple. False if there is none.</summary>
    public bool SwapCtTuple()
    {
        if (!_flow.ConsultAnyBit(L.CtNwProto, 0xff) || !_flow.IsIp)
        {
            _context.Error("resubmit(ct) with non-tracked or non-IP packet!");
            return false;
        }

        SwapTuples();
        HideTuples(ref _context.Out.Visited);
        return true;
    }

    /// <summary>Exchanges the flow's tuple and the connection's, there and back.</summary>
    public void SwapTuples()
    {
        bool ipv4 = _flow.DlType == EthType.Ip;
        SwapTuple(_flow.Current, ipv4);
        SwapTuple(_flow.Live, ipv4);
        SwapTuple(_flow.Consulted, ipv4);
        SwapTuple(_flow.Excluded, ipv4);
    }

    private static void HideTuples(ref VisitedTables visited)
    {
        for (int i = 0; i < FlowKey.LaneCount; i++) visited.Keep(i, 0);
    }

    private static void SwapTuple(byte* flow, bool ipv4)
    {
        Swap(flow, L.NwProto, L.CtNwProto, 1);
        Swap(flow, L.TpSrc, L.CtTpSrc, 4);
        if (ipv4) Swap(flow, L.NwSrc, L.CtNwSrc, 8);
        else Swap(flow, L.Ipv6Src, L.CtIpv6Src, Lanes.SizeBytes);
    }

    private static void Swap(byte* flow, int a, int b, int sizeBytes)
    {
        for (int i = 0; i < sizeBytes; i++) (flow[a + i], flow[b + i]) = (flow[b + i], flow[a + i]);
    }
}
