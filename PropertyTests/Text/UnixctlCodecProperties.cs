using System.Text;
using FsCheck;
using FsCheck.Xunit;
using Mergeflow.Control;
using Xunit;

namespace Mergeflow.PropertyTests;

/// <summary>What comes through a control socket is hostile: any bytes are a message or are refused, and how they arrive changes nothing.</summary>
public sealed class UnixctlCodecProperties
{
    private const int MaxBytes = 400;

    private static readonly string[] s_messages =
    [
        """{"id":0,"method":"dpctl/show","params":["-s"]}""",
        """{"id":"x\u00e9\ud83d\ude00","method":"list-commands","params":[]}""",
        """{"id":0,"result":"text\n","error":null}""",
        """{"id":[1,{"a":2}],"result":null,"error":"\"no\"\n"}""",
        """{"id":null,"method":"update","params":[{"a":[{}]},1,null,"s"]}""",
    ];

    private static readonly byte[] s_edges = [.. "{}[]\",:\\u \n0n-"u8, 0, 0x7f, 0x80, 0xc3, 0xff];

    [Property(MaxTest = 3000)]
    public void Damaged_messages_are_taken_or_refused_in_the_same_way_however_they_arrive(int seed)
    {
        Chance chance = new(seed);
        List<byte> stream = [];
        for (int n = 1 + chance.Below(4); n > 0; n--) stream.AddRange(Mutate(chance, Encoding.UTF8.GetBytes(chance.Of(s_messages))));
        byte[] bytes = [.. stream];
        Assert.Equal(Read(bytes, static n => n), Read(bytes, n => 1 + chance.Below(n)));
    }

    [Property(MaxTest = 1000)]
    public void What_is_written_is_read_as_it_was(string[] words, NonNull<string> method, bool isError)
    {
        string?[] parameters = [.. words.Select(static w => IsText(w) ? w : "")];
        RpcRequest request = new("7", IsText(method.Get) ? method.Get : "", parameters);
        RpcRequest read = Assert.IsType<RpcRequest>(RpcMessage.Parse(request.Write()));
        Assert.Equal((request.Id, request.Method), (read.Id, read.Method));
        Assert.Equal(request.Parameters.Select(static p => p ?? ""), read.Parameters.Select(static p => p ?? ""));
        RpcReply reply = isError ? new("[1]", null, request.Method) : new("[1]", request.Method, null);
        Assert.Equal(reply, RpcMessage.Parse(reply.Write()));
    }

    /// <summary>Half of a surrogate pair is no text, and cannot be written.</summary>
    private static bool IsText(string? text) => text is not null && !text.Any(char.IsSurrogate);

    private static byte[] Mutate(Chance chance, byte[] message)
    {
        if (chance.OneIn(3)) return message;
        List<byte> bytes = [.. message];
        for (int n = 1 + chance.Below(3); n > 0; n--)
        {
            int at = chance.Below(bytes.Count + 1);
            switch (chance.Below(4))
            {
                case 0:
                    bytes.Insert(at, chance.Of(s_edges));
                    break;
                case 1 when at < bytes.Count:
                    bytes.RemoveAt(at);
                    break;
                case 2 when at < bytes.Count:
                    bytes[at] = chance.Of(s_edges);
                    break;
                default:
                    bytes.InsertRange(at, bytes.Skip(chance.Below(bytes.Count + 1)).Take(chance.Below(60)).ToArray());
                    break;
            }
        }

        return [.. bytes];
    }

    /// <summary>What a reader makes of the bytes: each message written anew, and a line where one is refused.</summary>
    private static List<string> Read(byte[] bytes, Func<int, int> next)
    {
        List<string> found = [];
        JsonTextCutter cutter = new(MaxBytes * 10);
        try
        {
            for (int at = 0, n; at < bytes.Length; at += n)
            {
                n = next(bytes.Length - at);
                cutter.Add(bytes.AsSpan(at, n));
                while (cutter.TryTake(out ReadOnlyMemory<byte> text)) found.Add(Encoding.UTF8.GetString(RpcMessage.Parse(text).Write()));
            }
        }
        catch (UnixctlException)
        {
            found.Add("refused");
        }

        return found;
    }
}
