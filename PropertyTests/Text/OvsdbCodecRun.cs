using System.IO.Compression;
using System.Text;
using System.Text.Json;
using Mergeflow.Control;
using Mergeflow.Control.Bridges;
using Mergeflow.Control.Ovsdb;
using Xunit;

namespace Mergeflow.PropertyTests;

/// <summary>
/// Recorded messages of a database server with some bytes changed, given to a session that follows it: either they are taken, or an <see cref="OvsdbException"/> says why not. MERGEFLOW_OVSDB_MESSAGES is how many, MERGEFLOW_SEED says which.
/// </summary>
public sealed class OvsdbCodecRun
{
    private const int DefaultCount = 60_000;
    private const int MaxRows = 20_000;

    private static readonly byte[] s_spice = "\"\\{}[],:0123456789eE+-.ntfu \u0000\u00ff"u8.ToArray();

    [Fact]
    public void Mutated_messages_are_taken_or_refused()
    {
        int count = int.TryParse(Environment.GetEnvironmentVariable("MERGEFLOW_OVSDB_MESSAGES"), out int n) ? n : DefaultCount;
        Random random = new((int)Native.ProcessSeed.For("ovsdb"));
        byte[][] messages = Messages();
        (int taken, int refused) = (0, 0);
        OvsdbSession session = Session();
        for (int i = 0; i < count; i++)
        {
            byte[] mutated = Mutated(messages[random.Next(messages.Length)], random);
            try
            {
                JsonTextCutter cutter = new(1 << 20);
                cutter.Add(mutated);
                while (cutter.TryTake(out ReadOnlyMemory<byte> text)) session.Receive(OvsdbMessage.Parse(text));
                while (session.TryTake(out OvsdbMessage? answer)) Assert.NotEmpty(answer!.Write());

                taken++;
            }
            catch (Exception e) when (e is OvsdbException or UnixctlException)
            {
                Assert.DoesNotContain('\n', e.Message);
                refused++;
            }

            if (session.Replica.RowCount > MaxRows) session = Session();
        }

        // Neither all nor nothing: the mutants reach both.
        Assert.InRange(taken, count / 20, count);
        Assert.InRange(refused, count / 20, count);
    }

    /// <summary>A session that follows a database.</summary>
    private static OvsdbSession Session()
    {
        OvsdbSession session = new(new OvsdbReplica(VswitchTables.All), VswitchTables.Database, VswitchTables.Lock);
        session.Connected();
        string[] answers = ["""{"tables":{"Database":{"columns":{"name":{},"connected":{},"schema":{}}}}}""", """{"locked":true}""",
            """{"Database":{"00000000-0000-0000-0000-00000000000a":{"initial":{"name":"Open_vSwitch","connected":true,"schema":"{\"tables\":{}}"}}}}""", """[false,"00000000-0000-0000-0000-000000000000",{}]""", "{}"];
        foreach (string answer in answers)
        {
            Assert.True(session.TryTake(out OvsdbMessage? asked));
            session.Receive(OvsdbMessage.Parse(Encoding.UTF8.GetBytes($"{{\"id\":{((OvsdbRequest)asked!).Id.GetRawText()},\"result\":{answer},\"error\":null}}")));
        }

        Assert.True(session.IsSynchronized);
        return session;
    }

    private static byte[] Mutated(byte[] message, Random random)
    {
        List<byte> bytes = [.. message];
        for (int changes = random.Next(4); changes >= 0; changes--)
        {
            int at = random.Next(bytes.Count);
            switch (random.Next(5))
            {
                case 0:
                    bytes[at] = s_spice[random.Next(s_spice.Length)];
                    break;
                case 1:
                    bytes[at] = (byte)random.Next(256);
                    break;
                case 2:
                    bytes.Insert(at, s_spice[random.Next(s_spice.Length)]);
                    break;
                case 3 when bytes.Count > 1:
                    bytes.RemoveAt(at);
                    break;
                default:
                    // A part of the message once more, somewhere else.
                    int from = random.Next(bytes.Count), length = random.Next(Math.Min(40, bytes.Count - from));
                    bytes.InsertRange(at, bytes.GetRange(from, length));
                    break;
            }
        }

        return [.. bytes];
    }

    private static byte[][] Messages()
    {
        using GZipStream stream = new(File.OpenRead(Recorded("Tests/Data/ovsdb/messages.jsonl.gz")), CompressionMode.Decompress);
        using StreamReader reader = new(stream);
        List<byte[]> messages = ["""{"id":"echo\u00e9","method":"echo","params":["\ud83d\ude00"]}"""u8.ToArray()];
        while (reader.ReadLine() is { } line)
        {
            JsonElement json = JsonElement.Parse(line);
            if (json.GetProperty("from").GetString() == "vswitchd" && json.GetProperty("dir").GetString() == "<") messages.Add(Encoding.UTF8.GetBytes(json.GetProperty("msg").GetRawText()));
        }

        return [.. messages];
    }

    private static string Recorded(string path)
    {
        DirectoryInfo? folder = new(AppContext.BaseDirectory);
        while (folder is not null && !File.Exists(Path.Combine(folder.FullName, path))) folder = folder.Parent;
        return Path.Combine(folder!.FullName, path);
    }
}
