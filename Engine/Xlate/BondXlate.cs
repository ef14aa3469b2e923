using Mergeflow.Engine.Actions;
using Mergeflow.Engine.Keys;
using Mergeflow.Engine.OpenFlow;
using L = Mergeflow.Engine.Keys.KeyLayout;

namespace Mergeflow.Engine.Xlate;

/// <summary>What a bond takes in, and by which member it sends (OVS <c>bond_check_admissibility</c>, <c>bond_choose_output_member</c>).</summary>
internal sealed class BondXlate(XlateContext context, FieldHash hashes)
{
    private readonly XlateContext _context = context;
    private readonly XlateFlow _flow = context.Flow;
    private readonly FieldHash _hashes = hashes;

    /// <summary>Whether a packet that came by a member may go on; its Ethernet addresses have been consulted.</summary>
    public bool Admits(PortBundle bundle, BondPlan bond, ushort vlan)
    {
        uint member = _flow.InPort;
        if (bond.Lacp == BondLacp.Negotiated) return bond.Enabled.Contains(member);
        if (bond.Lacp == BondLacp.Configured || bond.Mode == BondMode.BalanceTcp) return false;
        bool isMulticast = (_flow.Key.DlDst.ToUInt64() >> 40 & 1) != 0;
        if (isMulticast && bond.Active != member && !bond.AllActive) return false;
        if (bond.Mode == BondMode.ActiveBackup) return bond.Active == member;

        // What we have sent by one member may come back by another.
        MacKey source = new(_flow.Key.DlSrc.ToUInt64(), vlan);
        _context.Out.AskedAddresses.Add(source with { Bridge = _context.Pipeline.Id });
        return _context.Pipeline.Macs.Find(source, _context.NowMs) is not { } learned || learned == bundle.Representative || IsGratuitousArp();
    }

    /// <summary>An LACP message for the bond of the port goes up, and nowhere else (OVS <c>process_special</c>).</summary>
    public bool TakeLacp()
    {
        const ushort slowProtocols = 0x8809;
        const ulong slowAddress = 0x0180_c200_0002;
        if (_context.Tables.Forwarding.BundleOf(_flow.InPort) is not { HasLacp: true } || _flow.DlType != slowProtocols) return false;
        _flow.Consult(L.DlDst, L.Window6);
        if (_flow.Key.DlDst.ToUInt64() != slowAddress) return false;
        ref DpUserspace told = ref _context.Out.Add(DpOp.Userspace).Userspace;
        (told.Reason, told.Bridge, told.OutputPort) = (UserspaceReason.Lacp, _context.Pipeline.Id, _flow.InPort);
        return true;
    }

    /// <summary>The member that a packet leaves by; null = none.</summary>
    public uint? Choose(BondPlan bond, ushort vlan)
    {
        if (bond.Lacp == BondLacp.Configured || (bond.Mode == BondMode.BalanceTcp && bond.Lacp != BondLacp.Negotiated)) return null;
        if (bond.Mode == BondMode.ActiveBackup) return bond.Active;
        if (bond.Buckets.Count == 0) return null;
        int bucket = (int)((bond.Mode == BondMode.BalanceTcp ? _hashes.Of(OfHashFields.SymmetricL3L4Udp, (ushort)bond.Basis) : OfSource(vlan, bond.Basis)) % (uint)bond.Buckets.Count);
        if (bond.Counters is { } counters) _context.Out.Rules.Add(counters.Counted[bucket]);
        return bond.Buckets[bucket];
    }

    private uint OfSource(ushort vlan, uint basis)
    {
        _flow.Consult(L.DlSrc, L.Window6);
        return BondHash.OfMac(_flow.Key.DlSrc.ToUInt64(), vlan, basis);
    }

    private bool IsGratuitousArp()
    {
        ref FlowKey key = ref _flow.Key;
        if (_flow.DlType != EthType.Arp) return false;
        _flow.Consult(L.NwSrc, L.Window4);
        _flow.Consult(L.NwDst, L.Window4);
        return key.NwSrc == key.NwDst;
    }
}
