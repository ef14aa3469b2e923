using Mergeflow.Engine.Keys;
using Mergeflow.Engine.OpenFlow;
using L = Mergeflow.Engine.Keys.TranslatorLayout;

namespace Mergeflow.Engine.Xlate;

/// <content>A learning switch per VLAN (OVS <c>xlate_normal</c> without bonds, access ports, STP and snooping).</content>
public sealed unsafe partial class Translator
{
    /// <summary>
    /// Learns the source, then sends to where the destination was learned, or everywhere. What was learned anew moves
    /// <see cref="OfPipeline.TablesVersion"/>.
    /// </summary>
    private void Normal()
    {
        Consult(L.DlDst, ulong.MaxValue);
        Consult(L.DlDst + 8, L.Window4);
        ConsultVlanPresent();
        Consult(L.Vlan0Tci, 0xff0f);
        _out.SlowPath = true;
        ref FlowKey key = ref *(FlowKey*)_flow;
        uint inPort = InPort;
        bool isSourced = inPort is (uint)OfReservedPort.None or (uint)OfReservedPort.Controller;
        if (!isSourced && inPort != (uint)OfReservedPort.Local && !_tables.Ports.ContainsKey(inPort))
        {
            Note(null, "no input bundle, dropping");
            return;
        }

        ulong dst = key.DlDst.ToUInt64();
        if (IsReserved(dst))
        {
            Note(null, "packet has reserved destination MAC, dropping");
            return;
        }

        ushort vid = ConsultVlanPresent() ? (ushort)(key.Vlan0Tci.Host & 0xfff) : (ushort)0;
        if (!isSourced) Learn(new LearnedSource(key.DlSrc.ToUInt64(), vid, inPort));
        var asked = new MacKey(dst, vid);
        _out.AskedAddresses.Add(asked);
        if (_pipeline.Macs.Find(asked, _nowMs) is { } port)
        {
            if (port != inPort) TransmitNormal(port);
            else Note(null, "learned port is input port, dropping");
            return;
        }

        foreach (PipelinePort to in _tables.PortList)
        {
            if (to.Number != inPort && to.Floods) TransmitNormal(to.Number);
        }
    }

    private void Learn(LearnedSource source)
    {
        _out.Learned.Add(source);
        if (Learns) _pipeline.Learn(source, _nowMs);
    }

    /// <summary>A tag without VID and priority is not sent, nor are those behind it (OVS <c>xvlan_put</c> without priority tags).</summary>
    private void TransmitNormal(uint port)
    {
        // Whether there is a second tag, and what it says, decides what is sent: unlike Open vSwitch's, the megaflow knows of it.
        SyncOuter();
        ConsultVlanCount();
        int kept = 0;
        while (kept < _vlans.Count && (_vlans[kept].Tci & ~VlanPresent) != 0) kept++;
        bool isWhole = kept == _vlans.Count;
        TagStack tags = _vlans;
        for (int i = 0; i < tags.Count && i <= kept; i++)
        {
            VlanTag tag = tags[i];
            if (!isWhole || i > 0 || (tag.Tci & 0xfff) == 0) ConsultTag(ref tag, tpid: true);
        }

        if (isWhole)
        {
            Transmit(port);
            return;
        }

        ushort tci = *(ushort*)(_flow + L.Vlan0Tci);
        ushort live = *(ushort*)(_live + L.Vlan0Tci);
        _vlans = default;
        if (kept > 0) (_vlans.Outer, _vlans.Count) = (tags.Outer, kept);
        else Write(L.Vlan0Tci, L.Window2, 0);
        _dirty = true;
        Transmit(port);
        *(ushort*)(_flow + L.Vlan0Tci) = tci;
        *(ushort*)(_live + L.Vlan0Tci) = live;
        _vlans = tags;
        _dirty = true;
    }

    /// <summary>Addresses that bridges keep to themselves (OVS <c>eth_addr_is_reserved</c>).</summary>
    private static bool IsReserved(ulong mac) => mac switch
    {
        >= 0x0180_c200_0000 and <= 0x0180_c200_000f => true,
        0x00e0_2b00_0000 or 0x00e0_2b00_0004 or 0x00e0_2b00_0006 => true,
        0x0100_0c00_0000 or 0x0100_0ccc_cccc or 0x0100_0ccc_cccd or 0x0100_0ccd_cdcd => true,
        >= 0x0100_0ccc_ccc0 and <= 0x0100_0ccc_ccc7 => true,
        _ => false,
    };
}
