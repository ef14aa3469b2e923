using Xunit;

namespace Mergeflow.Tests;

/// <summary>Books of megaflows and connections that a test can read and change.</summary>
internal sealed class FakeLedger(MegaflowStore flows) : IMegaflowLedger, IConnLedger
{
    public readonly Dictionary<int, (ulong Packets, ulong Bytes, long LastUsedMs)> Megaflows = [];
    public readonly Dictionary<(int Id, bool Reply), (ulong Packets, ulong Bytes, long LastUsedMs)> Conns = [];
    public readonly Dictionary<int, uint> Generations = [];
    public readonly HashSet<int> Closed = [];
    public readonly Dictionary<int, int> Retained = [];
    public readonly Dictionary<int, int> Marks = [];

    /// <summary>Called when a rule is being linked: a test moves something in between.</summary>
    public Action? OnRetain { get; set; }

    public void Credit(int megaflowId, uint generation, ulong packets, ulong bytes, long lastUsedMs)
    {
        Assert.True(Retained.GetValueOrDefault(megaflowId) > 0, "credit for a megaflow that was let go");
        (ulong Packets, ulong Bytes, long LastUsedMs) was = Megaflows.GetValueOrDefault(megaflowId);
        Megaflows[megaflowId] = (was.Packets + packets, was.Bytes + bytes, lastUsedMs);
    }

    public bool TryRetain(int megaflowId, uint generation)
    {
        if (!IsCurrent(megaflowId, generation)) return false;
        Retained[megaflowId] = Retained.GetValueOrDefault(megaflowId) + 1;
        OnRetain?.Invoke();
        return true;
    }

    public void Release(int megaflowId, uint generation) => Retained[megaflowId]--;

    public bool IsCurrent(int megaflowId, uint generation) => flows.Find(megaflowId) is { Dead: false } m && m.Generation == generation;

    public uint GenerationOf(int connId) => Generations.GetValueOrDefault(connId, 3u);

    /// <summary>Called when a connection has been looked at: it changes right behind that, and no event tells of it.</summary>
    public Action? AfterLook { get; set; }

    public bool IsOffloadable(int connId, uint generation)
    {
        bool isOffloadable = !Closed.Contains(connId) && GenerationOf(connId) == generation;
        AfterLook?.Invoke();
        return isOffloadable;
    }

    public void MarkOffloaded(int connId) => Marks[connId] = Marks.GetValueOrDefault(connId) + 1;

    public void UnmarkOffloaded(int connId) => Marks[connId]--;

    public void Credit(int connId, uint generation, bool reply, ulong packets, ulong bytes, long lastUsedMs)
    {
        (ulong Packets, ulong Bytes, long LastUsedMs) was = Conns.GetValueOrDefault((connId, reply));
        Conns[(connId, reply)] = (was.Packets + packets, was.Bytes + bytes, lastUsedMs);
    }
}
