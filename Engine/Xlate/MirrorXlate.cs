using Mergeflow.Engine.OpenFlow;
using L = Mergeflow.Engine.Keys.KeyLayout;

namespace Mergeflow.Engine.Xlate;

/// <summary>
/// Copies for mirrors (OVS <c>mirror_packet</c>): of a packet as it comes in, and as it is when it goes out. A mirror gets a packet once, and of mirrors that send to one place one does.
/// </summary>
internal sealed class MirrorXlate(XlateContext context, NormalXlate normal)
{
    private readonly XlateContext _context = context;
    private readonly XlateFlow _flow = context.Flow;
    private readonly NormalXlate _normal = normal;

    /// <summary>A packet comes in.</summary>
    public void OnEnter()
    {
        if (_context.Tables.Forwarding.Mirrors.Count > 0) Copy(_flow.InPort, isEntry: true);
    }

    /// <summary>A packet has gone out by a port.</summary>
    public void OnLeave(uint port)
    {
        if (_context.Tables.Forwarding.Mirrors.Count > 0) Copy(port, isEntry: false);
    }

    private void Copy(uint port, bool isEntry)
    {
        IReadOnlyList<MirrorPlan> mirrors = _context.Tables.Forwarding.Mirrors;
        if (!_context.Tables.Ports.TryGetValue(port, out PipelinePort? known)) return;
        bool isWanted = false;
        for (int i = 0; i < mirrors.Count; i++) isWanted |= IsCandidate(mirrors[i], i, port, isEntry);
        if (!isWanted) return;

        // A packet of a VLAN that its port does not carry is not copied, and how its tag has to be where the copy goes depends on the tag that it has.
        _flow.ConsultVlanPresent();
        _flow.Consult(L.Vlan0Tci, TagModel.VidWindow);
        ushort tagged = (_flow.Key.Vlan0Tci.Host & TagModel.Present) != 0 ? (ushort)(_flow.Key.Vlan0Tci.Host & TagModel.Vid) : (ushort)0;
        if (known.Vlan.Enter(tagged) is not { } vlan) return;
        for (int i = 0; i < mirrors.Count; i++)
        {
            if (IsCandidate(mirrors[i], i, port, isEntry) && mirrors[i].Selects(vlan)) Send(mirrors[i], known.Vlan, tagged, vlan);
        }
    }

    private bool IsCandidate(MirrorPlan mirror, int number, uint port, bool isEntry) => (_context.Mirrored & (1u << number)) == 0 && (isEntry ? mirror.From : mirror.To).Contains(port);

    private void Send(MirrorPlan mirror, PortVlan from, ushort tagged, ushort vlan)
    {
        ForwardingPlan plan = _context.Tables.Forwarding;
        for (int i = 0; i < plan.Mirrors.Count; i++)
        {
            if (plan.Mirrors[i].HasSameOutput(mirror)) _context.Mirrored |= 1u << i;
        }

        _context.Out.Rules.Add(mirror.Counted);
        ushort before = _context.SnapBytes;
        _context.SnapBytes = mirror.SnapBytes;
        if (mirror.OutputPort is { } output)
        {
            _normal.Leave(output.Representative, from, tagged, vlan);
        }
        else if (mirror.OutputVlan is { } copied && copied != vlan)
        {
            _flow.ConsultEthernet();
            if (!NormalXlate.IsReserved(_flow.Key.DlDst.ToUInt64())) Spread(plan, from, tagged, copied);
        }

        _context.SnapBytes = before;
    }

    private void Spread(ForwardingPlan plan, PortVlan from, ushort tagged, ushort vlan)
    {
        foreach (PipelinePort to in _context.Tables.PortList)
        {
            if (plan.RepresentativeOf(to.Number) == to.Number && !plan.IsMirrorOutput(to.Number)) _normal.Leave(to.Number, from, tagged, vlan);
        }
    }
}
