using Mergeflow.Engine.Actions;
using Mergeflow.Engine.Keys;
using Mergeflow.Engine.OpenFlow;
using L = Mergeflow.Engine.Keys.KeyLayout;

namespace Mergeflow.Engine.Xlate;

/// <summary>Where <c>normal</c> sends IP multicast when it is snooped (OVS <c>xlate_normal</c>, RFC 4541).</summary>
internal sealed class MulticastXlate(XlateContext context)
{
    private const ulong Broadcast = 0xffff_ffff_ffff;

    private readonly XlateContext _context = context;
    private readonly XlateFlow _flow = context.Flow;

    /// <summary>Ports that packets are sent to; a stack, as a packet may come back through another bridge.</summary>
    private readonly List<uint> _ports = [];

    /// <summary>Where the choice begins that is being made.</summary>
    private int _begin;

    /// <summary>The packet is one that groups decide about: IP multicast, and it is snooped. Its Ethernet addresses have been consulted.</summary>
    public bool Concerns()
    {
        ulong destination = _flow.Key.DlDst.ToUInt64();
        return _context.Tables.Multicast is not null && _flow.IsIp && (destination >> 40 & 1) != 0 && destination != Broadcast;
    }

    /// <summary>Ports chosen so far; what the next choice adds is behind them.</summary>
    public int Count => _ports.Count;

    /// <summary>A port chosen.</summary>
    public uint this[int index] => _ports[index];

    /// <summary>Forgets what was chosen behind the first <paramref name="count"/>.</summary>
    public void Release(int count) => _ports.RemoveRange(count, _ports.Count - count);

    /// <summary>Chooses where the packet goes; false: everywhere.</summary>
    /// <param name="vid">VLAN that it belongs to.</param>
    /// <param name="source">Port that it came by; of a bond the number that stands for it.</param>
    /// <param name="isSourced">It came by no port.</param>
    public bool TryChoose(ushort vid, uint source, bool isSourced)
    {
        MulticastPlan plan = _context.Tables.Multicast!;
        _begin = _ports.Count;
        _flow.Consult(L.NwProto, byte.MaxValue);
        bool isIpv4 = _flow.DlType == EthType.Ip;
        if (_flow.Key.NwProto == (isIpv4 ? IpProto.Igmp : IpProto.Icmpv6))
        {
            _flow.Consult(L.TpSrc, L.Window2);
            int type = _flow.Key.TpSrc.Host;
            if (isIpv4 || MulticastMessage.IsMld(type)) return TryChooseForMessage(plan, isIpv4, type, vid, source, isSourced);
        }

        UInt128 group = ConsultGroup(isIpv4);
        if (isIpv4 ? group >> 8 == MulticastTable.Mapped(0xe000_0000) >> 8 : group == AllNodes)
        {
            _context.Detail("RFC4541: section 2.1.2, item 2, flooding");
            return false;
        }

        _context.Out.AskedAddresses.Add(MulticastTable.KeyOf(group, vid) with { Bridge = _context.Pipeline.Id });
        bool isKnown = _context.Pipeline.Multicast.TryFind(group, vid, _ports);
        if (!isKnown && plan.FloodsUnregistered)
        {
            _context.Detail("unregistered multicast, flooding");
            return false;
        }

        if (isKnown)
        {
            KeepOthers(_begin, source, "mcast group port");
            AddPorts(plan.FloodPorts, source, "mcast flood port");
            AddRouters(vid, source);
        }
        else
        {
            AddRouters(vid, source);
            AddPorts(plan.FloodPorts, source, "mcast flood port");
        }

        return true;
    }

    /// <summary><c>ff02::1</c>.</summary>
    private static UInt128 AllNodes { get; } = ((UInt128)0xff02 << 112) | 1;

    /// <summary>A message is for the switch too; reports are for routers alone, as hosts that hear one keep silent themselves (RFC 4541 2.1.1).</summary>
    private bool TryChooseForMessage(MulticastPlan plan, bool isIpv4, int type, ushort vid, uint source, bool isSourced)
    {
        bool isQuery = type == (isIpv4 ? MulticastMessage.IgmpQuery : MulticastMessage.MldQuery), isReport = !isQuery && (!isIpv4 || MulticastMessage.IsIgmpMembership(type));
        _context.Out.SlowPath = true;
        if ((isQuery || isReport) && !isSourced && !plan.FloodPorts.Contains(source))
        {
            ref DpUserspace told = ref _context.Out.Add(DpOp.Userspace).Userspace;
            (told.Reason, told.Bridge, told.OutputPort, told.Vid) = (UserspaceReason.Multicast, _context.Pipeline.Id, source, vid);
        }

        if (!isReport)
        {
            _context.Detail(isIpv4 ? "multicast traffic, flooding" : "MLD query, flooding");
            return false;
        }

        AddRouters(vid, source);
        foreach (uint port in plan.ReportPorts)
        {
            _context.Detail(port == source ? "mcast port is input port, dropping the Report" : "forwarding report to mcast flagged port");
            if (port != source && !IsChosen(port, _ports.Count)) _ports.Add(port);
        }

        return true;
    }

    private UInt128 ConsultGroup(bool isIpv4)
    {
        if (isIpv4)
        {
            _flow.Consult(L.NwDst, L.Window4);
            return MulticastTable.Mapped(_flow.Key.NwDst.Host);
        }

        _flow.ConsultIpv6(L.Ipv6Dst);
        return _flow.Key.Ipv6Dst.ToUInt128();
    }

    private void AddRouters(ushort vid, uint source)
    {
        _context.Out.AskedAddresses.Add(MulticastTable.KeyOfRouters(vid) with { Bridge = _context.Pipeline.Id });
        int from = _ports.Count;
        int others = _context.Pipeline.Multicast.FindRouters(vid, _ports);
        KeepOthers(from, source, "mcast router port");
        for (int i = 0; i < others && _context.IsExplained; i++) _context.Detail("mcast router is on another vlan, dropping");
    }

    private void AddPorts(IReadOnlyList<uint> ports, uint source, string what)
    {
        int from = _ports.Count;
        _ports.AddRange(ports);
        KeepOthers(from, source, what);
    }

    /// <summary>Takes away the port that the packet came by, and such as get it already.</summary>
    private void KeepOthers(int from, uint source, string what)
    {
        int end = _ports.Count, to = from;
        for (int i = from; i < end; i++)
        {
            uint port = _ports[i];
            if (port == source)
            {
                _context.Detail($"{what} is input port, dropping");
                continue;
            }

            _context.Detail($"forwarding to {what}");
            if (!IsChosen(port, to)) _ports[to++] = port;
        }

        _ports.RemoveRange(to, end - to);
    }

    /// <summary>Among the ports chosen up to <paramref name="end"/>.</summary>
    private bool IsChosen(uint port, int end)
    {
        for (int i = _begin; i < end; i++)
        {
            if (_ports[i] == port) return true;
        }

        return false;
    }
}
