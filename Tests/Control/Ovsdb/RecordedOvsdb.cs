using System.IO.Compression;
using System.Text;
using System.Text.Json;

namespace Mergeflow.Tests;

/// <summary>Messages that were recorded between ovsdb-server and ovs-vsctl, ovs-vswitchd and ovn-controller (Open vSwitch 3.1.0, OVN 23.03.1).</summary>
internal static class RecordedOvsdb
{
    /// <summary>All of them, as JSON, in order.</summary>
    public static IReadOnlyList<(string From, int Connection, bool IsToServer, JsonElement Message)> Messages { get; } = Read();

    /// <summary>The bytes of a message.</summary>
    public static byte[] Bytes(JsonElement message) => Encoding.UTF8.GetBytes(message.GetRawText());

    private static List<(string, int, bool, JsonElement)> Read()
    {
        using GZipStream stream = new(File.OpenRead(Path.Combine(RepositoryFiles.Root, "Tests/Data/ovsdb/messages.jsonl.gz")), CompressionMode.Decompress);
        using StreamReader reader = new(stream);
        List<(string, int, bool, JsonElement)> messages = [];
        while (reader.ReadLine() is { } line)
        {
            JsonElement json = JsonElement.Parse(line);
            messages.Add((json.GetProperty("from").GetString()!, json.GetProperty("conn").GetInt32(), json.GetProperty("dir").GetString() == ">", json.GetProperty("msg")));
        }

        return messages;
    }
}
