using Mergeflow.Engine.Keys;

namespace Mergeflow.Engine.OpenFlow;

/// <summary>What <c>normal</c> does with tags of a port (OVS <c>enum port_vlan_mode</c>).</summary>
public enum PortVlanMode : byte
{
    /// <summary>Frames keep their tags.</summary>
    Trunk,

    /// <summary>Frames have no tags, and belong to one VLAN.</summary>
    Access,

    /// <summary>As a trunk; what comes without a tag belongs to the native VLAN.</summary>
    NativeTagged,

    /// <summary>The same, and what goes out in the native VLAN has no tag.</summary>
    NativeUntagged,

    /// <summary>What comes in gets the service VLAN's tag in front of its own, and loses it where it goes out (IEEE 802.1ad).</summary>
    Dot1qTunnel,
}

/// <summary>Tags without a VLAN, for the sake of their priority, where a frame goes out in none (ovs-vswitchd.conf.db(5), <c>Port</c> <c>other_config:priority-tags</c>).</summary>
public enum PriorityTags : byte
{
    /// <summary>None.</summary>
    Never,

    /// <summary>For frames that came with a priority.</summary>
    IfNonzero,

    /// <summary>For frames that came with a tag.</summary>
    Always,
}

/// <summary>VLANs of a port, as <c>normal</c> sees them (ovs-vswitchd.conf.db(5), columns <c>vlan_mode</c>, <c>tag</c>, <c>trunks</c> of <c>Port</c>).</summary>
public sealed class PortVlan : IEquatable<PortVlan>
{
    private const int Vlans = 4096;

    private readonly ulong[]? _trunks;

    /// <summary>VLANs of a port.</summary>
    /// <param name="mode">What happens to tags.</param>
    /// <param name="vid">Access, native or service VLAN, 0..4095; of a trunk 0.</param>
    /// <param name="trunks">VLANs that a trunk carries, or those of customers that a tunnel does; none = all.</param>
    /// <param name="tpid">Ethertype of service tags: 0x8100 or 0x88a8.</param>
    public PortVlan(PortVlanMode mode, ushort vid, IEnumerable<int> trunks, ushort tpid = EthType.QinQ)
    {
        (Mode, Vid) = (mode, mode == PortVlanMode.Trunk ? (ushort)0 : vid);
        if (mode == PortVlanMode.Dot1qTunnel) ServiceTpid = tpid;
        if (mode == PortVlanMode.Access) return;
        foreach (int trunk in trunks.Where(static t => t is >= 0 and < Vlans))
        {
            _trunks ??= new ulong[Vlans / 64];
            _trunks[trunk / 64] |= 1UL << (trunk % 64);
        }

        // A native VLAN is carried, whether it is named or not.
        if (_trunks is not null && mode is not (PortVlanMode.Trunk or PortVlanMode.Dot1qTunnel)) _trunks[Vid / 64] |= 1UL << (Vid % 64);
    }

    /// <summary>A trunk of all VLANs: what a port is that nobody has told anything.</summary>
    public static PortVlan AllVlans { get; } = new(PortVlanMode.Trunk, 0, []);

    /// <summary>What happens to tags.</summary>
    public PortVlanMode Mode { get; }

    /// <summary>Access, native or service VLAN.</summary>
    public ushort Vid { get; }

    /// <summary>Ethertype of the tags that a tunnel puts in front; 0 = it is none.</summary>
    public ushort ServiceTpid { get; }

    /// <summary>Tags without a VLAN.</summary>
    public PriorityTags Priority { get; init; }

    /// <summary>The VLAN of a frame that comes in with this one in its tag, 0 = no tag or none in it; null = it may not come in.</summary>
    public ushort? Enter(ushort vid)
    {
        if (Mode == PortVlanMode.Access) return vid == 0 ? Vid : null;
        if (Mode == PortVlanMode.Dot1qTunnel) return Trunks(vid) ? Vid : null;
        if (vid == 0 && Mode != PortVlanMode.Trunk) return Vid;
        return Trunks(vid) ? vid : null;
    }

    /// <summary>A frame that belongs to a VLAN, and has one of a customer behind it, may go out (OVS <c>xbundle_includes_vlan</c>).</summary>
    public bool Includes(ushort vlan, ushort customer) => Mode switch
    {
        PortVlanMode.Access => vlan == Vid && customer == 0,
        PortVlanMode.Dot1qTunnel => vlan == Vid && Trunks(customer),
        _ => Leave(vlan) is not null,
    };

    /// <summary>What a frame of a VLAN has in its tag when it goes out, 0 = it has none; null = it may not go out. Not of tunnels.</summary>
    public ushort? Leave(ushort vlan)
    {
        if (Mode is PortVlanMode.Access or PortVlanMode.Dot1qTunnel) return vlan == Vid ? (ushort)0 : null;

        // What has no VLAN cannot come back through a port that puts it into one.
        if (!Trunks(vlan) || (vlan == 0 && Mode != PortVlanMode.Trunk && Vid != 0)) return null;
        return Mode == PortVlanMode.NativeUntagged && vlan == Vid ? (ushort)0 : vlan;
    }

    /// <inheritdoc/>
    public bool Equals(PortVlan? other) => other is not null && Mode == other.Mode && Vid == other.Vid && ServiceTpid == other.ServiceTpid && Priority == other.Priority && _trunks.AsSpan().SequenceEqual(other._trunks);

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as PortVlan);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(Mode, Vid);

    private bool Trunks(ushort vid) => _trunks is null || (_trunks[vid / 64] & (1UL << (vid % 64))) != 0;
}
