namespace Mergeflow.PropertyTests;

/// <summary>
/// Damages trains: what a fragment says of its place, in which order and how often frames come, which datagram they belong to, what a single frame is. Most
/// of a train stays good, so that the damage is met with state behind it.
/// </summary>
internal sealed class TrainMutator(Chance chance, FrameMutator frames)
{
    /// <summary>Names of the kinds of damage.</summary>
    public static readonly string[] Kinds =
    [
        "shuffled", "reversed", "swapped", "lost", "twice", "overlapping", "other offset", "offset at the end", "more or last", "other size", "empty fragment", "another's fragment",
        "trains interleaved", "tagged", "all tagged", "other port", "late", "frame damaged",
    ];

    private static readonly int[] s_lastOffsets = [65_528, 65_520, 65_512, 65_400, 64_080, 32_768, 0x7ff8];

    /// <summary>None to four kinds of damage; they are counted.</summary>
    public List<TrainFrame> Mutate(List<TrainFrame> train, List<TrainFrame> other, RunStatistics statistics)
    {
        List<TrainFrame> damaged = [.. train];
        int count = chance.Weighted((3, 0), (4, 1), (2, 2), (1, 4));
        if (count == 0) statistics.Add("train unchanged");
        for (; count > 0 && damaged.Count > 0; count--)
        {
            int kind = chance.Below(Kinds.Length);
            Apply(kind, damaged, other);
            statistics.Add($"train {Kinds[kind]}");
        }

        return damaged;
    }

    private void Apply(int kind, List<TrainFrame> train, List<TrainFrame> other)
    {
        int at = chance.Below(train.Count);
        switch (kind)
        {
            case 0:
                for (int i = train.Count - 1; i > 0; i--) Swap(train, i, chance.Below(i + 1));
                return;
            case 1:
                train.Reverse();
                return;
            case 2:
                Swap(train, at, chance.Below(train.Count));
                return;
            case 3:
                train.RemoveAt(at);
                return;
            case 4:
                train.Insert(chance.Below(train.Count + 1), train[at] with { AfterMs = 0 });
                return;
            case 5:
                Place(train, (offset, more) => (offset + (8 * (chance.Below(9) - 4)), more));
                return;
            case 6:
                Place(train, (_, more) => (8 * chance.Below(8192), more));
                return;
            case 7:
                Place(train, (_, more) => (chance.Of(s_lastOffsets), more && chance.OneIn(2)));
                return;
            case 8:
                Place(train, (offset, more) => (offset, !more));
                return;
            case 9:
                Fragment(train, f => FragmentCutter.Resize(f, chance.OneIn(2) ? chance.Below(64) : chance.Below(1480)));
                return;
            case 10:
                Fragment(train, f => FragmentCutter.Resize(f, 0));
                return;
            case 11:
                byte[][] theirs = [.. other.Select(o => o.Frame).Where(FragmentCutter.IsFragment)];
                if (theirs.Length == 0) return;
                Fragment(train, f =>
                {
                    byte[] adopted = [.. chance.Of(theirs)];
                    FragmentCutter.Adopt(adopted, f);
                    return adopted;
                });
                return;
            case 12:
                for (int i = 0, j = 0; i < other.Count; i++, j += chance.Below(3)) train.Insert(Math.Min(j, train.Count), other[i] with { AfterMs = 0 });
                return;
            case 13:
                train[at] = Tagged(train[at]);
                return;
            case 14:
                for (int i = 0; i < train.Count; i++) train[i] = Tagged(train[i]);
                return;
            case 15:
                train[at] = train[at] with { Port = 1 + (uint)chance.Below(4) };
                return;
            case 16:
                train[at] = train[at] with { AfterMs = chance.Of([1, 5_000, 14_999, 15_000, 15_001, 20_001, 25_001, 61_000]) };
                return;
            default:
                byte[] head = other.Count == 0 ? train[at].Frame : chance.Of(other).Frame;
                train[at] = train[at] with { Frame = frames.Mutate(train[at].Frame, head, out _) };
                return;
        }
    }

    private void Place(List<TrainFrame> train, Func<int, bool, (int Offset, bool More)> where)
    {
        Fragment(train, f =>
        {
            (int offset, bool more) = FragmentCutter.PlaceOf(f);
            (offset, more) = where(offset, more);
            FragmentCutter.SetPlace(f, offset, more);
            return f;
        });
    }

    /// <summary>Replaces one of the fragments, if there are any.</summary>
    private void Fragment(List<TrainFrame> train, Func<byte[], byte[]> change)
    {
        int[] fragments = [.. Enumerable.Range(0, train.Count).Where(i => FragmentCutter.IsFragment(train[i].Frame))];
        if (fragments.Length == 0) return;
        int at = chance.Of(fragments);
        train[at] = train[at] with { Frame = change([.. train[at].Frame]) };
    }

    private TrainFrame Tagged(TrainFrame f)
    {
        if (f.Frame.Length < 14) return f;
        byte[] tag = [0x81, 0, (byte)(chance.Below(8) << 5), (byte)(5 + chance.Below(2))];
        if (chance.OneIn(4)) (tag[0], tag[1]) = (0x88, 0xa8);
        return f with { Frame = [.. f.Frame.AsSpan(0, 12), .. tag, .. f.Frame.AsSpan(12)] };
    }

    private static void Swap(List<TrainFrame> train, int i, int j) => (train[i], train[j]) = (train[j], train[i]);
}
