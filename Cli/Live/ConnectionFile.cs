using System.Globalization;
using System.Net;
using System.Text.Json;

namespace Mergeflow.Cli;

/// <summary>
/// Connections in a file, for another run: a line that says when, then a line for each. Of a case directory it is <c>connections.jsonl</c>: what was there before the first event.
/// </summary>
public static class ConnectionFile
{
    private const int Version = 1;
    private const int MaxLines = ConntrackOptions.MaxCapacityConnections;
    private static readonly int[] s_addressBytes = [4, 16];

    /// <summary>Writes them.</summary>
    /// <param name="output">Where to.</param>
    /// <param name="connections">The connections.</param>
    /// <param name="now">When they were so.</param>
    /// <param name="isRunning">Packets go on passing: what of a connection moves with each of them is older than whoever reads it, which <see cref="Read"/> takes into account.</param>
    public static void Write(Stream output, IReadOnlyList<SavedConn> connections, DateTime now, bool isRunning = false)
    {
        WriteLine(output, json =>
        {
            json.WriteNumber("version", Version);
            json.WriteNumber("saved_at_ms", new DateTimeOffset(now).ToUnixTimeMilliseconds());
            if (isRunning) json.WriteBoolean("running", true);
            json.WriteNumber("connections", connections.Count);
        });
        foreach (SavedConn connection in connections) WriteLine(output, json => WriteMembers(json, connection));
    }

    /// <summary>Reads them.</summary>
    /// <param name="path">The file.</param>
    /// <param name="now">Time has passed for them until then; null = none has.</param>
    /// <exception cref="CommandFailedException">It is not such a file; the line is named.</exception>
    public static IReadOnlyList<SavedConn> Read(string path, DateTime? now)
    {
        string name = Path.GetFileName(path);
        List<SavedConn> connections = [];
        long passedMs = 0;
        bool isRunning = false;
        int number = 0;
        foreach (string line in InputFile.ReadText(path).Split('\n'))
        {
            number++;
            if (line.Length == 0) continue;
            try
            {
                using JsonDocument document = JsonDocument.Parse(line);
                JsonElement root = document.RootElement;
                if (number == 1)
                {
                    if (root.GetProperty("version").GetInt32() != Version) CommandFailedException.ThrowBadInput(name, number, $"connections of another version than {Version}");
                    isRunning = root.TryGetProperty("running", out JsonElement running) && running.GetBoolean();
                    if (now is DateTime then) passedMs = Math.Max(0, new DateTimeOffset(then).ToUnixTimeMilliseconds() - root.GetProperty("saved_at_ms").GetInt64());
                    continue;
                }

                if (connections.Count >= MaxLines) CommandFailedException.ThrowBadInput(name, number, $"more than {MaxLines} connections");
                SavedConn connection = isRunning ? WithoutWindows(Connection(root)) : Connection(root);
                if (connection.LeftMs > passedMs) connections.Add(connection with { LeftMs = connection.LeftMs - passedMs });
            }
            catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException or FormatException or OverflowException)
            {
                CommandFailedException.ThrowBadInput(name, number, "not a connection as this program writes them");
            }
        }

        if (number <= 1) CommandFailedException.ThrowBadInput(name, 1, "not a file of connections");
        return connections;
    }

    /// <summary>Windows of TCP have moved on since: the next packet of each end says where they are, as when a connection is met that was there before the switch.</summary>
    private static SavedConn WithoutWindows(SavedConn c)
        => c.OrigPeer.State is > TcpState.Closed and <= TcpState.Established && c.ReplyPeer.State is > TcpState.Closed and <= TcpState.Established
            ? c with { OrigPeer = WithoutWindow(c.OrigPeer), ReplyPeer = WithoutWindow(c.ReplyPeer) }
            : c;

    /// <summary>A <c>SeqHi</c> of 1 is one that nobody knows (OVS <c>conntrack-tcp.c</c>).</summary>
    private static SavedPeer WithoutWindow(SavedPeer peer) => peer with { SeqLo = 0, SeqHi = 1, State = TcpState.Closed };

    private static void WriteLine(Stream output, Action<Utf8JsonWriter> members)
    {
        using (Utf8JsonWriter json = new(output))
        {
            json.WriteStartObject();
            members(json);
            json.WriteEndObject();
        }

        output.WriteByte((byte)'\n');
    }

    private static void WriteMembers(Utf8JsonWriter json, SavedConn c)
    {
        json.WriteNumber("proto", c.Orig.Proto);
        json.WriteNumber("zone", c.Zone);
        WriteTuple(json, "orig", c.Orig);
        WriteTuple(json, "reply", c.Reply);
        json.WriteNumber("left_ms", c.LeftMs);
        json.WriteNumber("nat", c.Nat);
        json.WriteNumber("mark", c.Mark);
        json.WriteString("label", c.Label.ToUInt128().ToString("x", CultureInfo.InvariantCulture));
        WritePeer(json, "orig_peer", c.OrigPeer);
        WritePeer(json, "reply_peer", c.ReplyPeer);
        json.WriteNumber("l4_state", c.L4State);
        json.WriteBoolean("alg", c.HasAlg);
        json.WriteNumber("skew", c.SequenceSkew);
        json.WriteBoolean("skews_reply", c.SkewsReply);
        json.WriteStartArray("counts");
        foreach (ulong count in new[] { c.Counts.OrigPackets, c.Counts.OrigBytes, c.Counts.ReplyPackets, c.Counts.ReplyBytes }) json.WriteNumberValue(count);
        json.WriteEndArray();
    }

    private static void WriteTuple(Utf8JsonWriter json, string name, ConnTuple tuple)
    {
        json.WriteStartObject(name);
        json.WriteString("src", AddressOf(tuple.IsIpv6, tuple.Src).ToString());
        json.WriteString("dst", AddressOf(tuple.IsIpv6, tuple.Dst).ToString());
        json.WriteNumber("sport", tuple.SrcPort);
        json.WriteNumber("dport", tuple.DstPort);
        json.WriteNumber("id", tuple.IcmpId);
        json.WriteNumber("type", tuple.IcmpType);
        json.WriteEndObject();
    }

    private static void WritePeer(Utf8JsonWriter json, string name, SavedPeer peer)
    {
        json.WriteStartArray(name);
        foreach (uint part in new[] { peer.SeqLo, peer.SeqHi, peer.MaxWin, peer.WScale, (uint)peer.State }) json.WriteNumberValue(part);
        json.WriteEndArray();
    }

    private static SavedConn Connection(JsonElement root)
    {
        byte proto = root.GetProperty("proto").GetByte();
        JsonElement counts = root.GetProperty("counts");
        return new SavedConn
        {
            Zone = root.GetProperty("zone").GetUInt16(),
            Orig = Tuple(root.GetProperty("orig"), proto),
            Reply = Tuple(root.GetProperty("reply"), proto),
            LeftMs = root.GetProperty("left_ms").GetInt64(),
            Nat = root.GetProperty("nat").GetByte(),
            Mark = root.GetProperty("mark").GetUInt32(),
            Label = Ipv6Address.FromUInt128(UInt128.Parse(Text(root.GetProperty("label")), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture)),
            OrigPeer = Peer(root.GetProperty("orig_peer")),
            ReplyPeer = Peer(root.GetProperty("reply_peer")),
            L4State = root.GetProperty("l4_state").GetByte(),
            HasAlg = root.GetProperty("alg").GetBoolean(),
            SequenceSkew = root.GetProperty("skew").GetInt32(),
            SkewsReply = root.GetProperty("skews_reply").GetBoolean(),
            Counts = (Part(counts, 0).GetUInt64(), Part(counts, 1).GetUInt64(), Part(counts, 2).GetUInt64(), Part(counts, 3).GetUInt64()),
        };
    }

    private static ConnTuple Tuple(JsonElement tuple, byte proto)
    {
        (bool isIpv6, Ipv6Address src) = Address(tuple.GetProperty("src"));
        (bool isDstIpv6, Ipv6Address dst) = Address(tuple.GetProperty("dst"));
        if (isIpv6 != isDstIpv6) throw new FormatException();
        ConnTuple read = new(
            isIpv6, src, dst, proto, tuple.GetProperty("sport").GetUInt16(), tuple.GetProperty("dport").GetUInt16(), tuple.GetProperty("id").GetUInt16(), tuple.GetProperty("type").GetByte(), 0);
        bool hasOthers = read.IsIcmp ? (read.SrcPort | read.DstPort) != 0 : (read.IcmpId | read.IcmpType) != 0;
        return hasOthers ? throw new FormatException() : read;
    }

    private static SavedPeer Peer(JsonElement peer)
        => new(Part(peer, 0).GetUInt32(), Part(peer, 1).GetUInt32(), Part(peer, 2).GetUInt16(), Part(peer, 3).GetByte(), (TcpState)Part(peer, 4).GetByte());

    private static JsonElement Part(JsonElement array, int index) => index < array.GetArrayLength() ? array[index] : throw new FormatException();

    private static (bool IsIpv6, Ipv6Address Address) Address(JsonElement text)
    {
        byte[] bytes = IPAddress.Parse(Text(text)).GetAddressBytes();
        byte[] wide = new byte[s_addressBytes[1]];
        bytes.CopyTo(wide, 0);
        return (bytes.Length == s_addressBytes[1], Ipv6Address.From(wide));
    }

    private static string Text(JsonElement text) => text.GetString() ?? throw new FormatException();

    private static IPAddress AddressOf(bool isIpv6, Ipv6Address address)
    {
        byte[] wide = new byte[s_addressBytes[1]];
        System.Buffers.Binary.BinaryPrimitives.WriteUInt128BigEndian(wide, address.ToUInt128());
        return new IPAddress(isIpv6 ? wide : wide[..s_addressBytes[0]]);
    }
}
