using System.Collections.Concurrent;
using Mergeflow.Engine.OpenFlow;
using Mergeflow.Native;

namespace Mergeflow.Engine.Runtime;

/// <summary>What control has changed, with packet threads standing still: each packet came before it, or comes behind it.</summary>
/// <param name="Ns">When (<see cref="MonotonicClock"/>).</param>
public abstract record SwitchChange(long Ns)
{
    /// <summary>Name of the bridge that has changed; of what concerns all of a datapath, its first one.</summary>
    public string Bridge { get; init; } = "";
}

/// <summary>Rules, groups or meters are others.</summary>
/// <param name="Ns">When.</param>
/// <param name="Gone">Rules that are no longer there.</param>
/// <param name="Come">Rules that are there now; one that has changed is among both.</param>
/// <param name="GroupsGone">Groups that are no longer there, or no longer what they were.</param>
/// <param name="GroupsCome">Groups that are there now.</param>
/// <param name="MetersGone">Meters, in the same way.</param>
/// <param name="MetersCome">Meters that are there now.</param>
public sealed record TablesChange(
    long Ns,
    IReadOnlyList<OfRule> Gone,
    IReadOnlyList<OfRule> Come,
    IReadOnlyList<GroupMod> GroupsGone,
    IReadOnlyList<GroupMod> GroupsCome,
    IReadOnlyList<MeterMod> MetersGone,
    IReadOnlyList<MeterMod> MetersCome) : SwitchChange(Ns);

/// <summary>A port came, went, or its link did.</summary>
/// <param name="Ns">When.</param>
/// <param name="Port">Which one.</param>
/// <param name="News">What has happened to it.</param>
public sealed record PortChange(long Ns, uint Port, PortNews News) : SwitchChange(Ns);

/// <summary>What happens to a port.</summary>
public enum PortNews
{
    /// <summary>Its link goes down.</summary>
    Down,

    /// <summary>Its link comes back.</summary>
    Up,

    /// <summary>The switch has it no longer; what was learned of it is forgotten.</summary>
    Gone,

    /// <summary>The switch has it, and it is up.</summary>
    Come,
}

/// <summary>Connections are gone.</summary>
/// <param name="Ns">When.</param>
/// <param name="Zone">Of this zone; null = of all.</param>
public sealed record FlushChange(long Ns, ushort? Zone) : SwitchChange(Ns);

/// <summary>Takes the changes of a switch for as long as it is hung in.</summary>
public sealed class ChangeJournal
{
    /// <summary>More are not kept.</summary>
    private const int MaxRules = 1_000_000;

    private readonly ConcurrentQueue<SwitchChange> _changes = new();
    private long _rules;

    /// <summary>Changes that there was no room for.</summary>
    public int Lost { get; private set; }

    /// <summary>In their order.</summary>
    public IEnumerable<SwitchChange> Changes => _changes;

    internal void Note(SwitchChange change)
    {
        _rules += change is TablesChange t ? 1 + t.Gone.Count + t.Come.Count : 1;
        if (_rules <= MaxRules) _changes.Enqueue(change);
        else Lost++;
    }
}
