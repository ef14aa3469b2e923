using System.Diagnostics;
using System.Net.Sockets;
using System.Text;
using Mergeflow.Control;
using Xunit;

namespace Mergeflow.Tests;

/// <summary>The control socket, from both ends and from <c>ovs-appctl</c>.</summary>
public sealed class UnixctlServerTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly UnixctlCommands _commands = new();

    public UnixctlServerTests()
    {
        _commands.Add("version", "", 0, 0, static _ => "mergeflow 1.2.3");
        _commands.Add("join", "[word]...", 1, 3, static words => string.Join('+', words));
        _commands.Add("refuse", "", 0, 0, static _ => throw new UnixctlException("no \"such\" thing"));
        _commands.Add("break", "", 0, 0, static _ => throw new InvalidOperationException("bug"));
    }

    private string Path => _folder["mergeflow.sock"];

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_command_is_run_and_answered()
    {
        using UnixctlServer server = new(Path, _commands);
        using UnixctlClient client = new(Path);
        Assert.Equal(new RpcReply("0", "mergeflow 1.2.3\n", null), client.Transact("version", []));
        Assert.Equal(new RpcReply("1", "a+b\n", null), client.Transact("join", ["a", "b"]));
        Assert.Equal(new RpcReply("2", null, "no \"such\" thing\n"), client.Transact("refuse", []));
        Assert.Equal("internal error: InvalidOperationException: bug\n", client.Transact("break", []).Error);
        Assert.Contains("  join                    [word]...\n", client.Transact("list-commands", []).Result, StringComparison.Ordinal);
    }

    [Fact]
    public void Wrong_commands_are_refused_in_the_words_of_Open_vSwitch()
    {
        using UnixctlServer server = new(Path, _commands);
        using UnixctlClient client = new(Path);
        Assert.Equal("\"bogus\" is not a valid command (use \"list-commands\" to see a list of valid commands)\n", client.Transact("bogus", []).Error);
        Assert.Equal("\"join\" command requires at least 1 arguments\n", client.Transact("join", []).Error);
        Assert.Equal("\"join\" command takes at most 3 arguments\n", client.Transact("join", ["1", "2", "3", "4"]).Error);
        using Socket socket = ControlSocket.Connect(Path);
        socket.Send("""{"id":0,"method":"join","params":[1]}"""u8);
        Assert.Contains("non-string argument", Receive(socket), StringComparison.Ordinal);
    }

    [Fact]
    public void Requests_that_come_at_once_are_answered_in_turn()
    {
        using UnixctlServer server = new(Path, _commands);
        using Socket socket = ControlSocket.Connect(Path);
        socket.Send("""{"id":"a","method":"join","params":["1"]} {"id":"b","method":"join","params":["2"]}"""u8);
        string answers = Receive(socket);
        while (!answers.Contains("\"b\"", StringComparison.Ordinal)) answers += Receive(socket);
        Assert.Equal("""{"id":"a","result":"1\n","error":null}{"id":"b","result":"2\n","error":null}""", answers);
    }

    [Fact]
    public void Whoever_says_half_a_request_keeps_nobody_waiting()
    {
        using UnixctlServer server = new(Path, _commands);
        Socket[] halves = [.. Enumerable.Range(0, 2 * UnixctlServer.MaxConnections).Select(_ =>
        {
            Socket half = ControlSocket.Connect(Path);
            half.Send("{\"id\":0,"u8);
            return half;
        })];
        using UnixctlClient client = new(Path);
        Assert.Equal("x\n", client.Transact("join", ["x"]).Result);
        Assert.InRange(server.ConnectionCount, 1, UnixctlServer.MaxConnections);
        foreach (Socket half in halves) half.Dispose();
    }

    [Fact]
    public void Whoever_does_not_read_is_left()
    {
        _commands.Add("big", "", 0, 0, static _ => new string('x', 8 << 20));
        using UnixctlServer server = new(Path, _commands, patience: TimeSpan.FromMilliseconds(50));
        using Socket deaf = ControlSocket.Connect(Path);
        deaf.Send("""{"id":0,"method":"big","params":[]}"""u8);
        Assert.True(SpinWait.SpinUntil(() => server.ConnectionCount == 0, TimeSpan.FromSeconds(60)));
    }

    [Theory]
    [InlineData("[1]")]
    [InlineData("{\"id\":0}")]
    [InlineData("{\"id\":0,\"result\":\"x\",\"error\":null}")]
    [InlineData("GET / HTTP/1.1\r\n\r\n")]
    public void What_is_no_request_ends_its_connection_and_no_other(string text)
    {
        using UnixctlServer server = new(Path, _commands);
        using UnixctlClient client = new(Path);
        using Socket socket = ControlSocket.Connect(Path);
        socket.Send(Encoding.UTF8.GetBytes(text));
        Assert.Equal(0, socket.Receive(new byte[1]));
        Assert.Equal("x\n", client.Transact("join", ["x"]).Result);
    }

    [Fact]
    public void A_request_has_a_longest_length()
    {
        using UnixctlServer server = new(Path, _commands, maxRequestBytes: 1000);
        using UnixctlClient client = new(Path);
        Assert.Throws<IOException>(() => client.Transact("join", [new string('x', 2000)]));
    }

    [Fact]
    public void A_command_may_take_its_connection()
    {
        bool ended = false;
        _commands.AddStream("count", "N", 1, 1, words => !int.TryParse(words[0], out int n) ? throw new UnixctlException("not a number") : (output, _) =>
        {
            for (byte i = 0; i < n; i++) output.WriteByte(i);
            ended = true;
        });
        using UnixctlServer server = new(Path, _commands);
        using (UnixctlClient client = new(Path)) Assert.Equal("not a number", Assert.Throws<UnixctlException>(() => client.Open("count", ["x"])).Message);
        using UnixctlClient reader = new(Path);
        using MemoryStream taken = new();
        reader.Open("count", ["5"]).CopyTo(taken);
        Assert.Equal([0, 1, 2, 3, 4], taken.ToArray());
        Assert.True(ended);
    }

    [Fact]
    public void A_command_that_fails_with_its_connection_takes_nothing_else_with_it()
    {
        _commands.AddStream("fail", "", 0, 0, static _ => static (output, _) =>
        {
            output.WriteByte(1);
            throw new InvalidOperationException("bug");
        });
        using UnixctlServer server = new(Path, _commands);
        using (UnixctlClient reader = new(Path))
        {
            using MemoryStream taken = new();
            reader.Open("fail", []).CopyTo(taken);
            Assert.Equal([1], taken.ToArray());
        }

        using UnixctlClient client = new(Path);
        Assert.Equal("x\n", client.Transact("join", ["x"]).Result);
    }

    [Fact]
    public void The_socket_is_its_owners_alone_and_goes_with_the_server()
    {
        using (UnixctlServer server = new(Path, _commands))
        {
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(Path));
            Assert.Equal(["mergeflow.sock"], Directory.EnumerateFileSystemEntries(_folder[""]).Select(static f => System.IO.Path.GetFileName(f)));
        }

        Assert.False(File.Exists(Path));
        Assert.Contains("there is no switch", Assert.Throws<IOException>(() => new UnixctlClient(Path)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void One_that_is_left_over_is_replaced_and_one_in_use_is_not()
    {
        using (Socket left = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified))
        {
            left.Bind(new UnixDomainSocketEndPoint(_folder["other"]));
            File.Move(_folder["other"], Path);
        }

        Assert.Contains("no switch listens there any more", Assert.Throws<IOException>(() => new UnixctlClient(Path)).Message, StringComparison.Ordinal);
        using UnixctlServer server = new(Path, _commands);
        Assert.Contains("another switch listens there", Assert.Throws<IOException>(() => new UnixctlServer(Path, _commands)).Message, StringComparison.Ordinal);
        using UnixctlClient client = new(Path);
        Assert.Equal("x\n", client.Transact("join", ["x"]).Result);
    }

    [Fact]
    public void What_is_no_socket_stays_what_it_is()
    {
        File.WriteAllText(Path, "mine");
        Assert.Contains("no socket", Assert.Throws<IOException>(() => new UnixctlServer(Path, _commands)).Message, StringComparison.Ordinal);
        Assert.Equal("mine", File.ReadAllText(Path));
    }

    [Fact]
    public void A_folder_in_which_others_may_write_is_no_place_for_it()
    {
        string open = _folder["open"];
        Directory.CreateDirectory(open);
        File.SetUnixFileMode(open, (UnixFileMode)0b111_111_111);
        Assert.Contains("others may write", Assert.Throws<IOException>(() => new UnixctlServer(System.IO.Path.Combine(open, "s"), _commands)).Message, StringComparison.Ordinal);
        Assert.Contains("at most 107 bytes", Assert.Throws<IOException>(() => new UnixctlServer(_folder[new string('x', 108)], _commands)).Message, StringComparison.Ordinal);
        Assert.Equal("/missing/folder/x: could not initialize control socket (No such file or directory)", Assert.Throws<IOException>(() => new UnixctlServer("/missing/folder/x", _commands, makesFolder: false)).Message);
        Assert.False(Directory.Exists("/missing"));
        Assert.Equal("/proc/x: no socket can be made there", Assert.Throws<IOException>(() => new UnixctlServer("/proc/x", _commands)).Message);
    }

    [Theory]
    [InlineData("version", 0, "mergeflow 1.2.3\n", "")]
    [InlineData("join a b", 0, "a+b\n", "")]
    [InlineData("refuse", 2, "", "no \"such\" thing\n")]
    [InlineData("bogus", 2, "", "\"bogus\" is not a valid command")]
    public void Appctl_of_Open_vSwitch_is_answered(string arguments, int code, string output, string error)
    {
        if (!File.Exists("/usr/bin/ovs-appctl")) Assert.Skip("ovs-appctl is not installed");
        using UnixctlServer server = new(Path, _commands);
        using Process appctl = Process.Start(new ProcessStartInfo("/usr/bin/ovs-appctl", $"-t {Path} {arguments}") { RedirectStandardOutput = true, RedirectStandardError = true })!;
        string said = appctl.StandardOutput.ReadToEnd(), failed = appctl.StandardError.ReadToEnd();
        appctl.WaitForExit();
        Assert.Equal((code, output), (appctl.ExitCode, said));
        Assert.Contains(error, failed, StringComparison.Ordinal);
    }

    private static string Receive(Socket socket)
    {
        byte[] buffer = new byte[1000];
        return Encoding.UTF8.GetString(buffer, 0, socket.Receive(buffer));
    }
}
