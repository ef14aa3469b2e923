using System.Text;
using System.Text.RegularExpressions;
using Mergeflow.Cli;
using Xunit;

namespace Mergeflow.Tests;

/// <summary>A file of connections is hostile: any text is read or refused, and a tracker takes over what makes sense and nothing else.</summary>
public sealed class ConnectionFileTests
{
    private const int Files = 400;

    private static readonly byte[] s_edges = [.. "{}[]\",:0123456789-.eE\n"u8, 0, 0x7f, 0xff];

    [Fact]
    public void Damaged_files_are_read_or_refused_and_what_is_read_can_be_taken_over()
    {
        using TemporaryFolder folder = new();
        int refused = 0, takenOver = 0;
        for (int seed = 0; seed < Files; seed++)
        {
            Random chance = new(seed);
            File.WriteAllBytes(folder["c"], Mutate(chance, Whole(chance)));
            try
            {
                takenOver += TakeOver(ConnectionFile.Read(folder["c"], seed % 2 == 0 ? null : DateTime.UtcNow), threads: 1 + chance.Next(2));
            }
            catch (CommandFailedException e)
            {
                Assert.Equal(ExitCode.BadInput, e.Code);
                refused++;
            }
        }

        Assert.InRange(refused, Files / 10, Files - (Files / 10));
        Assert.True(takenOver > Files / 10);
    }

    [Theory]
    [InlineData("\"label\":\"[0-9a-f]*\"")]
    [InlineData("\"src\":\"[^\"]*\"")]
    public void A_connection_without_a_text_that_it_must_have_is_refused(string member)
    {
        using TemporaryFolder folder = new();
        string whole = Encoding.UTF8.GetString(Whole(new Random(1)));
        File.WriteAllText(folder["c"], Regex.Replace(whole, member, $"{member[..member.IndexOf(':')]}:null"));
        CommandFailedException e = Assert.Throws<CommandFailedException>(() => ConnectionFile.Read(folder["c"], now: null));
        Assert.Equal((ExitCode.BadInput, 2), (e.Code, e.Line));
    }

    private static int TakeOver(IReadOnlyList<SavedConn> read, int threads)
    {
        const long nowMs = 1000, laterMs = long.MaxValue / 4;
        using ConnTracker tracker = new(new ConntrackOptions { CapacityConnections = 64, ThreadCount = threads });
        int restored = tracker.Restore(read, nowMs);
        Assert.Equal(restored, tracker.Snapshot(nowMs).Count());
        List<SavedConn> again = [];
        tracker.Save(nowMs, ConnTracker.FirstSlot, int.MaxValue, again);
        Assert.Equal(restored, again.Count);
        Assert.All(again, c => Assert.Contains(c, read));
        tracker.ExpireAll(laterMs);
        Assert.Empty(tracker.Snapshot(laterMs));
        return restored;
    }

    private static byte[] Whole(Random chance)
    {
        List<SavedConn> connections = [];
        for (int i = 0; i < 1 + chance.Next(3); i++)
        {
            bool isIpv6 = chance.Next(3) == 0;
            byte proto = new byte[] { 6, 17, isIpv6 ? (byte)58 : (byte)1 }[chance.Next(3)];
            bool isIcmp = proto is 1 or 58;
            (Ipv6Address src, Ipv6Address dst) = (Address(chance, isIpv6), Address(chance, isIpv6));
            ushort port = (ushort)chance.Next(65536), other = (ushort)chance.Next(65536);
            byte request = isIpv6 ? (byte)128 : (byte)8, answer = isIpv6 ? (byte)129 : (byte)0;
            connections.Add(new SavedConn
            {
                Zone = (ushort)chance.Next(3),
                Orig = isIcmp ? new ConnTuple(isIpv6, src, dst, proto, 0, 0, port, request, 0) : new ConnTuple(isIpv6, src, dst, proto, port, other, 0, 0, 0),
                Reply = isIcmp ? new ConnTuple(isIpv6, dst, src, proto, 0, 0, port, answer, 0) : new ConnTuple(isIpv6, dst, src, proto, other, port, 0, 0, 0),
                Mark = (uint)chance.NextInt64(1L << 32),
                LeftMs = 1 + chance.Next(1_000_000),
                L4State = (byte)chance.Next(3),
                OrigPeer = new SavedPeer((uint)chance.NextInt64(1L << 32), (uint)chance.NextInt64(1L << 32), (ushort)chance.Next(65536), 7, TcpState.Established),
                ReplyPeer = new SavedPeer((uint)chance.NextInt64(1L << 32), (uint)chance.NextInt64(1L << 32), (ushort)chance.Next(65536), 7, TcpState.Established),
                Counts = (1, 60, 1, 60),
            });
        }

        using MemoryStream bytes = new();
        ConnectionFile.Write(bytes, connections, DateTime.UtcNow);
        return bytes.ToArray();
    }

    private static Ipv6Address Address(Random chance, bool isIpv6)
    {
        byte[] bytes = new byte[16];
        chance.NextBytes(bytes.AsSpan(0, isIpv6 ? 16 : 4));
        return Ipv6Address.From(bytes);
    }

    private static byte[] Mutate(Random chance, byte[] file)
    {
        if (chance.Next(4) == 0) return file;
        List<byte> bytes = [.. file];
        for (int n = 1 + chance.Next(3); n > 0 && bytes.Count > 0; n--)
        {
            int at = chance.Next(bytes.Count);
            switch (chance.Next(4))
            {
                case 0:
                    bytes[at] = s_edges[chance.Next(s_edges.Length)];
                    break;
                case 1:
                    bytes.RemoveAt(at);
                    break;
                case 2:
                    bytes.Insert(at, s_edges[chance.Next(s_edges.Length)]);
                    break;
                default:
                    bytes.RemoveRange(at, Math.Min(chance.Next(40), bytes.Count - at));
                    break;
            }
        }

        return [.. bytes];
    }
}
