using System.Globalization;

namespace Mergeflow.PropertyTests;

/// <summary>Everything that the reference model makes of a conversation, in every order of its packets.</summary>
internal static class TalkOutcomes
{
    public const int Zone = 1;

    /// <summary>What may come out; null if the model is not sure in some order.</summary>
    /// <remarks>
    /// One thing takes two steps, in Open vSwitch too: a SYN that begins a closed connection anew ends the old one, then looks whether somebody else has begun it since. So every packet
    /// that would replace a connection may also do the first step earlier.
    /// </remarks>
    public static HashSet<string>? Of(List<FrameSpec> talk, long nowMs)
    {
        byte[][] frames = [.. talk.Select(static p => Talks.Frame(p, 0))];
        HashSet<string> outcomes = [];
        foreach (int[] order in Orders([.. Enumerable.Range(0, talk.Count)], 0))
        {
            if (!TryPlay(frames, order, ender: -1, endAt: -1, nowMs, outcomes)) return null;
            for (int endAt = 0; endAt < order.Length; endAt++)
            {
                for (int later = endAt + 1; later < order.Length; later++)
                {
                    if (!TryPlay(frames, order, order[later], endAt, nowMs, outcomes)) return null;
                }
            }
        }

        return outcomes;
    }

    /// <summary>Adds what comes out of an order in which packet <paramref name="ender"/> ends the connection when <paramref name="endAt"/> others have passed; false = the model is not sure.</summary>
    private static bool TryPlay(byte[][] frames, int[] order, int ender, int endAt, long nowMs, HashSet<string> outcomes)
    {
        var model = new ReferenceConntrack();
        string[] states = new string[frames.Length];
        for (int at = 0; at < order.Length; at++)
        {
            if (at == endAt)
            {
                RefConn? before = model.Connections(nowMs).SingleOrDefault();
                Execute(model, frames[ender], nowMs);
                RefConn? after = model.Connections(nowMs).SingleOrDefault();
                if (before is null || ReferenceEquals(before, after)) return model.Ambiguity is null;
                model.Flush(null);
            }

            states[order[at]] = State(Execute(model, frames[order[at]], nowMs));
        }

        if (model.Ambiguity is not null) return false;
        outcomes.Add(Text(states, model.Connections(nowMs).Select(c =>
            Connection((uint)c.Forward.Src.Address == Talks.Server, (c.ExpiryMs - nowMs) / 1000, c.OrigPackets, c.ReplyPackets))));
        return true;
    }

    private static int Execute(ReferenceConntrack model, byte[] frame, long nowMs)
    {
        var p = new ReferencePacket { Bytes = (byte[])frame.Clone(), InPort = 1 };
        model.Execute(p, p.Parse(), new RefCtAction(Commit: true, Force: false, Zone, 0, 0, 0, 0, null), nowMs);
        return p.CtState;
    }

    public static string State(int ctState) => ctState.ToString("x2", CultureInfo.InvariantCulture);

    public static string Connection(bool isByServer, long timeoutSeconds, ulong origPackets, ulong replyPackets)
        => string.Create(CultureInfo.InvariantCulture, $"{(isByServer ? "server" : "client")} {timeoutSeconds} s {origPackets}/{replyPackets}");

    public static string Text(IEnumerable<string> states, IEnumerable<string> connections)
        => $"{string.Join(' ', states)} | {string.Join(", ", connections.Order(StringComparer.Ordinal))}";

    private static IEnumerable<int[]> Orders(int[] items, int from)
    {
        if (from >= items.Length - 1)
        {
            yield return items;
            yield break;
        }

        for (int i = from; i < items.Length; i++)
        {
            (items[from], items[i]) = (items[i], items[from]);
            foreach (int[] order in Orders(items, from + 1)) yield return order;
            (items[from], items[i]) = (items[i], items[from]);
        }
    }
}
