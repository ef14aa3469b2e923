using System.Collections.Concurrent;
using Mergeflow.Engine.Runtime;
using Mergeflow.Native;

namespace Mergeflow.Control.OpenFlow;

/// <content>What happens in the switch goes to its connections.</content>
public sealed partial class LiveOfSwitch
{
    /// <summary>Removed flows that wait to be told; more are forgotten.</summary>
    private const int MostRemoved = 100_000;

    private readonly ConcurrentQueue<(OfRule Rule, RuleEnd End, long AtMs)> _removed = new();

    /// <summary>Tables that have crossed a bound of free places.</summary>
    private readonly ConcurrentQueue<(byte Table, byte Reason, byte Free)> _crossed = new();

    /// <summary>Rounds of what a barrier waits for: packets that go on coming do not keep it.</summary>
    private const int MostRounds = 16;

    private readonly Lock _telling = new();
    private OfConnectionGroup? _watchers;
    private IReadOnlyList<OfPort> _portsBefore = [];

    /// <summary>There is something to tell.</summary>
    internal bool HasNews => !_removed.IsEmpty || !_crossed.IsEmpty || _datapath.HasPacketIns;

    /// <summary>From now on connections are told what becomes of flows, and the latch is set when there is something to tell.</summary>
    internal void Watch(OfConnectionGroup group, WakeLatch latch)
    {
        Volatile.Write(ref _watchers, group);
        Tables.CountOf = _bridge.Pipeline.CountOf;

        // Who takes packets hands those of other bridges to theirs.
        _bridge.PacketInReceiver = packet =>
        {
            TellPacket(group, packet);
            if (group.All.Any(static c => c.HasWaiting)) latch.Set();
        };
        _datapath.AddTaker(latch);
        _bridge.Pipeline.Watch(changes =>
        {
            foreach (OfConnection connection in group.All) connection.OnFlows(changes, s_owner, s_xid);
            foreach (RuleEvent change in changes)
            {
                bool isTold = change is { New: null, Old: { } gone } && (gone.Flags & FlowModFlags.SendFlowRemoved) != 0;
                if (isTold && _removed.Count < MostRemoved) _removed.Enqueue((change.Old!, change.End, NowMs));
            }

            foreach ((byte Table, byte Reason, byte Free) crossed in Tables.Cross(changes.Select(static c => (c.New ?? c.Old!).Table))) _crossed.Enqueue(crossed);
            if (!_removed.IsEmpty || !_crossed.IsEmpty) latch.Set();
        });
    }

    /// <summary>Nobody tells any more.</summary>
    internal void Unwatch(WakeLatch latch) => _datapath.RemoveTaker(latch);

    /// <inheritdoc/>
    public void TellAll()
    {
        if (Volatile.Read(ref _watchers) is not { } group) return;
        for (int i = 0; i < MostRounds && Tell(group, looksAtPorts: false); i++)
        {
            // The next round takes what this one has left.
        }
    }

    /// <summary>Tells of packets, removed flows and ports; true if there was something.</summary>
    internal bool Tell(OfConnectionGroup group, bool looksAtPorts)
    {
        lock (_telling) return TellHere(group, looksAtPorts);
    }

    private bool TellHere(OfConnectionGroup group, bool looksAtPorts)
    {
        int told = _datapath.TakePacketIns(static _ => { }, most: 64);
        if (!_removed.IsEmpty)
        {
            // What packets have counted for them arrives now.
            _datapath.Settle(NowMs);
            while (_removed.TryDequeue(out (OfRule Rule, RuleEnd End, long AtMs) removed)) TellRemoved(group, removed.Rule, removed.End, removed.AtMs);
            told++;
        }

        for (; _crossed.TryDequeue(out (byte Table, byte Reason, byte Free) crossed); told++)
        {
            foreach (OfConnection connection in group.All) connection.OnTable(crossed.Reason, crossed.Table, crossed.Free);
        }

        if (looksAtPorts) TellPorts(group);
        return told > 0;
    }

    private static void TellPacket(OfConnectionGroup group, PacketIn packet)
    {
        var told = new OfPacketForController
        {
            Frame = new OfBytes(packet.Frame),
            MaxLengthBytes = packet.MaxLengthBytes,
            Reason = (byte)packet.Reason,
            Table = packet.Table,
            Cookie = packet.Cookie,
            ControllerId = packet.ControllerId,
            UserData = new OfBytes(ActionWriter.Bytes(packet.UserData)),
            Continuation = packet.Continuation is { } continuation ? new OfBytes(ContinuationToken.Wrap(continuation)) : null,
            Metadata = PacketFacts.Of(ref packet.Flow),
        };
        foreach (OfConnection connection in group.All) connection.OnPacket(told);
    }

    private static void TellRemoved(OfConnectionGroup group, OfRule rule, RuleEnd end, long atMs)
    {
        long ageMs = Math.Max(0, atMs - rule.CreatedMs);
        var message = new OfFlowRemoved
        {
            Kind = OfKind.FlowRemoved,
            Cookie = rule.Cookie,
            Priority = rule.Priority,
            Reason = (byte)end,
            Table = rule.Table,
            DurationSeconds = (uint)(ageMs / 1000),
            DurationNanoseconds = (uint)(ageMs % 1000 * 1_000_000),
            IdleTimeoutSeconds = rule.IdleTimeoutSeconds,
            HardTimeoutSeconds = rule.HardTimeoutSeconds,
            Packets = rule.Packets,
            Bytes = rule.Bytes,
            Match = rule.Match,
        };
        foreach (OfConnection connection in group.All) connection.OnFlowRemoved(message);
    }

    /// <summary>Ports that have come, gone or changed since the last time.</summary>
    private void TellPorts(OfConnectionGroup group)
    {
        IReadOnlyList<OfPort> now = Ports;
        Dictionary<uint, OfPort> before = _portsBefore.ToDictionary(static p => p.Number);
        foreach (OfPort port in now)
        {
            bool isNew = !before.Remove(port.Number, out OfPort? old);
            if (isNew || !port.Equals(old)) TellPort(group, isNew ? (byte)0 : (byte)2, port);
        }

        foreach (OfPort port in before.Values) TellPort(group, 1, port);
        _portsBefore = now;
    }

    private static void TellPort(OfConnectionGroup group, byte reason, OfPort port)
    {
        foreach (OfConnection connection in group.All) connection.OnPort(reason, port);
    }
}
