using System.Collections.Immutable;
using Mergeflow.Engine.Actions;

namespace Mergeflow.Engine.OpenFlow;

/// <summary>Everything a translation reads, immutable: a translator takes one at its start and keeps it to its end.</summary>
internal sealed class PipelineSnapshot
{
    /// <summary>Per table number, up to the highest that has ever had rules; null = no rules.</summary>
    public required TableIndex?[] Tables { get; init; }

    /// <summary>A table; null = it has no rules.</summary>
    public TableIndex? Table(int number) => (uint)number < (uint)Tables.Length ? Tables[number] : null;

    public required ImmutableDictionary<uint, GroupState> Groups { get; init; }

    /// <summary>Meters by OpenFlow id.</summary>
    public required ImmutableDictionary<uint, OfMeterState> Meters { get; init; }

    /// <summary>Ports by number.</summary>
    public required Dictionary<uint, PipelinePort> Ports { get; init; }

    /// <summary>Ports in the order of their numbers.</summary>
    public required PipelinePort[] PortList { get; init; }

    /// <summary>Ports in the order in which <c>flood</c> and <c>all</c> send to them.</summary>
    public required PipelinePort[] FloodList { get; init; }

    /// <summary>Ports with a BFD session, and which of their packets are for it.</summary>
    public required ImmutableDictionary<uint, BfdMatch> Bfd { get; init; }

    /// <summary>What tunnels know of the network below.</summary>
    public required TunnelUnderlay Underlay { get; init; }

    /// <summary>Bonds, mirrors and what else ports have together.</summary>
    public required ForwardingPlan Forwarding { get; init; }

    /// <summary>How multicast is snooped; null = it is not.</summary>
    public required MulticastPlan? Multicast { get; init; }

    /// <summary>The Geneve option behind <c>tun_metadata0</c>, if there is one.</summary>
    public required GeneveOption Option { get; init; }

    /// <summary>What becomes of packets that no rule decides about.</summary>
    public required PacketTreatment Treatment { get; init; }

    /// <summary>Somebody collects samples.</summary>
    public required bool HasCollectors { get; init; }

    /// <summary>Ports whose link is up, and whose BFD session, if they have one.</summary>
    public required HashSet<uint> LivePorts { get; init; }

    public required ulong Version { get; init; }

    /// <summary>What distinguishes it from the one before; null = too much to say.</summary>
    public required RulesChange? Change { get; init; }

    /// <summary>Some rule or group has the action <c>normal</c> or <c>learn</c>.</summary>
    public required bool UsesNormal { get; init; }
}
