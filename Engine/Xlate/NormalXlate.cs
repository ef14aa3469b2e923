using Mergeflow.Engine.Keys;
using Mergeflow.Engine.OpenFlow;
using L = Mergeflow.Engine.Keys.KeyLayout;

namespace Mergeflow.Engine.Xlate;

/// <summary>A learning switch per VLAN (OVS <c>xlate_normal</c> without STP).</summary>
internal sealed unsafe class NormalXlate(XlateContext context, TagModel tags, Transmitter transmitter, BondXlate bonds)
{
    private readonly XlateContext _context = context;
    private readonly XlateFlow _flow = context.Flow;
    private readonly TagModel _tags = tags;
    private readonly Transmitter _transmitter = transmitter;
    private readonly BondXlate _bonds = bonds;
    private readonly MulticastXlate _multicast = new(context);

    /// <summary>Source addresses are learned: not if no packet is there to learn from (OVS <c>allow_side_effects</c>).</summary>
    public bool Learns { get; set; } = true;

    /// <summary>
    /// Learns the source, then sends to where the destination was learned, or everywhere. What was learned anew moves
    /// <see cref="OfPipeline.TablesVersion"/>.
    /// </summary>
    public void Forward()
    {
        _flow.ConsultEthernet();
        _flow.ConsultVlanPresent();
        _flow.Consult(L.Vlan0Tci, TagModel.VidWindow);
        ref FlowKey key = ref _flow.Key;
        uint inPort = _flow.InPort;
        bool isSourced = inPort is (uint)OfReservedPort.None or (uint)OfReservedPort.Controller;
        if (!isSourced && inPort != (uint)OfReservedPort.Local && !_context.Tables.Ports.ContainsKey(inPort))
        {
            _context.Error($"received packet on unknown port {inPort}");
            _context.Warn("no input bundle, dropping");
            return;
        }

        ulong dst = key.DlDst.ToUInt64();
        if (IsReserved(dst))
        {
            _context.Detail("packet has reserved destination MAC, dropping");
            return;
        }

        ForwardingPlan plan = _context.Tables.Forwarding;
        if (plan.IsMirrorOutput(inPort))
        {
            _context.Error($"dropping packet received on port {(_context.Tables.Ports.TryGetValue(inPort, out PipelinePort? output) ? output.Name : "")}, which is reserved exclusively for mirroring");
            return;
        }

        ushort tagged = _flow.ConsultVlanPresent() ? (ushort)(key.Vlan0Tci.Host & TagModel.Vid) : (ushort)0;
        PortVlan from = _context.Tables.Ports.TryGetValue(inPort, out PipelinePort? input) ? input.Vlan : PortVlan.AllVlans;
        if (from.Enter(tagged) is not { } vid)
        {
            if (from.Mode == PortVlanMode.Dot1qTunnel) _context.Error($"dropping VLAN {tagged} packet received on dot1q-tunnel port {input?.Name} that excludes this VLAN");
            else if (from.Mode == PortVlanMode.Access) _context.Error($"dropping VLAN {tagged} tagged packet received on port {input?.Name} configured as VLAN {from.Vid} access port");
            else _context.Error($"dropping VLAN {tagged} packet received on port {input?.Name} not configured for trunking VLAN {tagged}");
            _context.Warn("disallowed VLAN VID for this input port, dropping");
            return;
        }

        PortBundle? own = plan.BundleOf(inPort);
        uint source = own?.Representative ?? inPort;
        if (own?.Bond is { } bond && !_bonds.Admits(own, bond, vid))
        {
            _context.Detail("bonding refused admissibility, dropping");
            return;
        }

        if (_context.ReadsWhatItWrites) ConsultAnnouncement();
        bool learns = !plan.Floods(vid);
        if (!isSourced && learns) Learn(new LearnedSource(key.DlSrc.ToUInt64(), vid, source));
        Arrival arrival = new(inPort, source, own, from, tagged, vid);
        if (_multicast.Concerns())
        {
            ForwardMulticast(arrival, isSourced);
            return;
        }

        if (learns)
        {
            var asked = new MacKey(dst, vid);
            _context.Out.AskedAddresses.Add(asked with { Bridge = _context.Pipeline.Id });
            if (_context.Pipeline.Macs.Find(asked, _context.NowMs) is { } port)
            {
                if (port == source)
                {
                    _context.Detail("learned port is input port, dropping");
                }
                else if (own is { IsProtected: true } && plan.BundleOf(port) is { IsProtected: true })
                {
                    _context.Detail("learned port and input port are protected, dropping");
                }
                else
                {
                    _context.Detail("forwarding to learned port");
                    Leave(port, from, tagged, vid);
                }

                return;
            }
        }

        _context.Detail("no learned MAC for destination, flooding");
        Flood(arrival);
    }

    private void ForwardMulticast(in Arrival arrival, bool isSourced)
    {
        int from = _multicast.Count;
        if (!_multicast.TryChoose(arrival.Vid, arrival.Source, isSourced))
        {
            Flood(arrival);
            return;
        }

        ForwardingPlan plan = _context.Tables.Forwarding;
        int end = _multicast.Count;
        for (int i = from; i < end; i++)
        {
            uint port = _multicast[i];
            if (arrival.Own is { IsProtected: true } && plan.BundleOf(port) is { IsProtected: true }) continue;
            Leave(port, arrival.From, arrival.Tagged, arrival.Vid);
        }

        _multicast.Release(from);
    }

    private void Flood(in Arrival arrival)
    {
        // The bridge's own port has been there first, as a rule: it is flooded to first (OVS: in the order in which ports came).
        if (_context.Tables.Ports.TryGetValue((uint)OfReservedPort.Local, out PipelinePort? local)) FloodTo(local, arrival);
        foreach (PipelinePort to in _context.Tables.PortList)
        {
            if (to.Number != (uint)OfReservedPort.Local) FloodTo(to, arrival);
        }
    }

    private void FloodTo(PipelinePort to, in Arrival arrival)
    {
        ForwardingPlan plan = _context.Tables.Forwarding;
        if (to.Number == arrival.Source || to.Number == arrival.InPort || !to.Floods || plan.IsMirrorOutput(to.Number)) return;
        if (plan.BundleOf(to.Number) is { } bundle && (bundle.Representative != to.Number || (bundle.IsProtected && arrival.Own is { IsProtected: true }))) return;
        Leave(to.Number, arrival.From, arrival.Tagged, arrival.Vid);
    }

    /// <summary>Sends a frame of a VLAN in the form that the port has for it, if it carries that VLAN (OVS <c>xvlan_output_translate</c>).</summary>
    /// <param name="port">Where to; of a bond the number that stands for it.</param>
    /// <param name="from">VLANs of the port that it came by.</param>
    /// <param name="tagged">VLAN in its tag as it is; 0 = none.</param>
    /// <param name="vlan">VLAN that it belongs to.</param>
    internal void Leave(uint port, PortVlan from, ushort tagged, ushort vlan)
    {
        if (!_context.Tables.Ports.TryGetValue(port, out PipelinePort? to) || to.Vlan.Leave(vlan) is not { } wanted) return;
        if (DependsOnInner(from, to.Vlan, tagged, vlan))
        {
            LeaveBothTags(port, from, to.Vlan, vlan);
            return;
        }

        if (_context.Tables.Forwarding.BundleOf(port)?.Bond is { } bond)
        {
            if (_bonds.Choose(bond, wanted) is not { } member) return;
            port = member;
        }

        // Without a tag, not even one that has a priority and no VLAN.
        bool isBare = wanted == 0 && to.Vlan.Mode is (PortVlanMode.Access or PortVlanMode.NativeUntagged);
        if (wanted == tagged && !isBare)
        {
            TransmitNormal(port);
            return;
        }

        ushort tci = *(ushort*)(_flow.Current + L.Vlan0Tci), live = *(ushort*)(_flow.Live + L.Vlan0Tci);
        _tags.SyncOuter();
        TagStack tags = _tags.Tags;
        if (wanted != 0) _tags.Set((ushort)(TagModel.Present | wanted), TagModel.Present | TagModel.Vid, pushes: true);
        else while (_tags.Tags.Count > 0) _tags.Pop();
        TransmitNormal(port);
        *(ushort*)(_flow.Current + L.Vlan0Tci) = tci;
        *(ushort*)(_flow.Live + L.Vlan0Tci) = live;
        _tags.Tags = tags;
        _flow.IsDirty = true;
    }

    /// <summary>What the frame leaves with, or whether it does, depends on a second tag, or on one that a tunnel puts in front.</summary>
    private bool DependsOnInner(PortVlan from, PortVlan to, ushort tagged, ushort vlan)
    {
        if (from.Mode == PortVlanMode.Dot1qTunnel || to.Mode == PortVlanMode.Dot1qTunnel || to.Priority != PriorityTags.Never) return true;
        bool leavesOuter = to.Mode == PortVlanMode.Access || (to.Mode == PortVlanMode.NativeUntagged && to.Vid == vlan);
        if (!leavesOuter && (from.Mode == PortVlanMode.Trunk || tagged != 0)) return false;
        _tags.ConsultCount();
        return _tags.Tags.Count > 1;
    }

    /// <summary>The frame with both tags as they are in the VLAN, and as the port has them (OVS <c>xvlan_input_translate</c>, <c>xvlan_output_translate</c>, <c>xvlan_put</c>).</summary>
    private void LeaveBothTags(uint port, PortVlan from, PortVlan to, ushort vlan)
    {
        ushort tci = *(ushort*)(_flow.Current + L.Vlan0Tci), live = *(ushort*)(_flow.Live + L.Vlan0Tci);
        _tags.SyncOuter();
        _tags.ConsultCount();
        TagStack own = _tags.Tags;
        for (int i = 0; i < own.Count; i++)
        {
            VlanTag tag = own[i];
            _tags.ConsultTag(ref tag, tpid: true);
        }

        (VlanTag first, VlanTag second) = (own.Outer, own.Count > 1 ? own.Inner : default);
        bool isInside = own.Count > 0 && (own.Outer.Tci & TagModel.Vid) != 0;
        if (from.Mode == PortVlanMode.Dot1qTunnel) (first, second) = (new VlanTag { Tpid = from.ServiceTpid, Tci = (ushort)(TagModel.Present | vlan) }, own.Count > 0 ? own.Outer : default);
        else if (from.Mode == PortVlanMode.Access || (from.Mode != PortVlanMode.Trunk && !isInside)) first = Put(own, vlan);
        if (from.Mode == PortVlanMode.Access) second = default;
        if (!to.Includes(vlan, (ushort)(second.Tci & TagModel.Vid))) return;
        if (to.Mode == PortVlanMode.Access) (first, second) = (default, default);
        else if (to.Mode == PortVlanMode.Dot1qTunnel || (to.Mode == PortVlanMode.NativeUntagged && to.Vid == vlan)) (first, second) = (second, default);
        if (to.Priority != PriorityTags.Never) first = Prioritized(first, own, to.Priority);
        if (_context.Tables.Forwarding.BundleOf(port)?.Bond is { } bond)
        {
            if (_bonds.Choose(bond, (ushort)(first.Tci & TagModel.Vid)) is not { } member) return;
            port = member;
        }

        // A tag that says nothing is none, nor is what is behind it.
        bool isEmpty = (first.Tci & ~TagModel.Present) == 0 && !(to.Priority == PriorityTags.Always && first.Tpid != 0);
        int count = isEmpty ? 0 : (second.Tci & ~TagModel.Present) == 0 ? 1 : TagStack.MaxCount;
        _tags.Replace(new TagStack { Count = count, Outer = count > 0 ? first : default, Inner = count > 1 ? second : default });
        _transmitter.Transmit(port);
        *(ushort*)(_flow.Current + L.Vlan0Tci) = tci;
        *(ushort*)(_flow.Live + L.Vlan0Tci) = live;
        _tags.Tags = own;
        _flow.IsDirty = true;
    }

    /// <summary>The outer tag with the priority that the frame came with.</summary>
    private static VlanTag Prioritized(VlanTag first, TagStack own, PriorityTags priority)
    {
        const ushort pcp = 0xe000;
        ushort wanted = own.Count > 0 ? (ushort)(own.Outer.Tci & pcp) : (ushort)0;
        if (first.Tci != 0 && (first.Tci & pcp) == wanted) return first;
        bool isNone = first.Tci == 0 && wanted == 0 && priority != PriorityTags.Always;
        return isNone ? first : new VlanTag { Tpid = first.Tpid != 0 ? first.Tpid : wanted != 0 ? EthType.Vlan : (ushort)0, Tci = (ushort)(TagModel.Present | (first.Tci & TagModel.Vid) | wanted) };
    }

    /// <summary>The tag of a VLAN that a frame without one belongs to: with the priority that it came with.</summary>
    private static VlanTag Put(TagStack own, ushort vlan)
    {
        ushort tci = (ushort)(TagModel.Present | vlan);
        return own.Count == 0 ? new VlanTag { Tpid = EthType.Vlan, Tci = tci } : new VlanTag { Tpid = own.Outer.Tpid, Tci = (ushort)((own.Outer.Tci & ~TagModel.Vid) | tci) };
    }

    /// <summary>Whether a host announces its own address: Open vSwitch asks for the sake of bonds, and has it in the mask (OVS <c>is_gratuitous_arp</c>).</summary>
    private void ConsultAnnouncement()
    {
        if (_flow.DlType != EthType.Arp || _flow.Key.DlDst.ToUInt64() != 0xffff_ffff_ffff) return;
        _flow.Consult(L.NwProto, 0xff);
        if (_flow.Key.NwProto != 1) return;
        _flow.Consult(L.NwSrc, L.Window4);
        _flow.Consult(L.NwDst, L.Window4);
    }

    private void Learn(LearnedSource source)
    {
        if (_flow.Layers.Type != PacketLayers.Ethernet) return;
        _context.Out.Learned.Add(new LearnedAddress(source, _context.Pipeline));
        if (Learns && _context.Pipeline.Learn(source, _context.NowMs) && _context.IsExplained)
        {
            string name = _context.Tables.Ports.TryGetValue(source.Port, out PipelinePort? port) ? port.Name : "LOCAL";
            _context.Detail($"learned that {EthAddress.FromUInt64(source.Mac)} is on port {name} in VLAN {source.Vid}");
        }
    }

    /// <summary>A tag without VID and priority is not sent, nor are those behind it (OVS <c>xvlan_put</c> without priority tags).</summary>
    private void TransmitNormal(uint port)
    {
        // Whether there is a second tag, and what it says, decides what is sent: unlike Open vSwitch's, the megaflow knows of it.
        _tags.SyncOuter();
        _tags.ConsultCount();
        int kept = 0;
        while (kept < _tags.Tags.Count && (_tags.Tags[kept].Tci & ~TagModel.Present) != 0) kept++;
        bool isWhole = kept == _tags.Tags.Count;
        TagStack tags = _tags.Tags;
        for (int i = 0; i < tags.Count && i <= kept; i++)
        {
            VlanTag tag = tags[i];
            if (!isWhole || i > 0 || (tag.Tci & TagModel.Vid) == 0) _tags.ConsultTag(ref tag, tpid: true);
        }

        if (isWhole)
        {
            _transmitter.Transmit(port);
            return;
        }

        ushort tci = *(ushort*)(_flow.Current + L.Vlan0Tci);
        ushort live = *(ushort*)(_flow.Live + L.Vlan0Tci);
        _tags.Tags = default;
        if (kept > 0) (_tags.Tags.Outer, _tags.Tags.Count) = (tags.Outer, kept);
        else _flow.Write(L.Vlan0Tci, L.Window2, 0);
        _flow.IsDirty = true;
        _transmitter.Transmit(port);
        *(ushort*)(_flow.Current + L.Vlan0Tci) = tci;
        *(ushort*)(_flow.Live + L.Vlan0Tci) = live;
        _tags.Tags = tags;
        _flow.IsDirty = true;
    }

    /// <summary>Addresses that bridges keep to themselves (OVS <c>eth_addr_is_reserved</c>).</summary>
    internal static bool IsReserved(ulong mac) => mac switch
    {
        >= 0x0180_c200_0000 and <= 0x0180_c200_000f => true,
        0x00e0_2b00_0000 or 0x00e0_2b00_0004 or 0x00e0_2b00_0006 => true,
        0x0100_0c00_0000 or 0x0100_0ccc_cccc or 0x0100_0ccc_cccd or 0x0100_0ccd_cdcd => true,
        >= 0x0100_0ccc_ccc0 and <= 0x0100_0ccc_ccc7 => true,
        _ => false,
    };

    /// <summary>How a packet has come.</summary>
    /// <param name="InPort">Port that it came by.</param>
    /// <param name="Source">The same; of a bond the number that stands for it.</param>
    /// <param name="Own">What the port is a part of; null = it is one by itself.</param>
    /// <param name="From">VLANs of the port.</param>
    /// <param name="Tagged">VLAN in its tag; 0 = none.</param>
    /// <param name="Vid">VLAN that it belongs to.</param>
    private readonly record struct Arrival(uint InPort, uint Source, PortBundle? Own, PortVlan From, ushort Tagged, ushort Vid);
}
