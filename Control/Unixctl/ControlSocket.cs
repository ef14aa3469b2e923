using System.Net.Sockets;
using System.Text;

namespace Mergeflow.Control;

/// <summary>The file that a control socket is: where it is, who may use it, and who has it.</summary>
public static class ControlSocket
{
    /// <summary>Name of the socket in the run directory.</summary>
    public const string FileName = "mergeflow.sock";

    /// <summary>Longest path, bytes: <c>sun_path</c> of <c>struct sockaddr_un</c> without its last zero.</summary>
    public const int MaxPathBytes = 107;

    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    private const UnixFileMode OwnersFolder = OwnerOnly | UnixFileMode.UserExecute;

    /// <summary>Where a switch has its socket unless it is told otherwise: for root <c>/run/mergeflow</c>, for others <c>XDG_RUNTIME_DIR</c> where there is one.</summary>
    public static string DefaultPath
    {
        get
        {
            string? own = Environment.IsPrivilegedProcess ? null : Environment.GetEnvironmentVariable("XDG_RUNTIME_DIR");
            return Path.Combine(string.IsNullOrEmpty(own) || !Path.IsPathRooted(own) ? "/run/mergeflow" : own, FileName);
        }
    }

    /// <summary>
    /// Listens at a path. The file appears with its owner's rights only; one that nobody listens at any more is replaced.
    /// </summary>
    /// <param name="path">Of the socket.</param>
    /// <param name="backlog">Connections that wait to be accepted.</param>
    /// <param name="makesFolder">Its folder is made if it is not there.</param>
    /// <exception cref="IOException">One line that says why not.</exception>
    public static Socket Listen(string path, int backlog, bool makesFolder = true)
    {
        path = Path.GetFullPath(path);
        if (Encoding.UTF8.GetByteCount(path) > MaxPathBytes) throw new IOException($"{path}: a path of a socket has at most {MaxPathBytes} bytes");
        string folder = Path.GetDirectoryName(path) ?? throw new IOException($"{path}: not the name of a socket");
        if (!makesFolder && !Directory.Exists(folder)) throw new IOException($"{path}: could not initialize control socket (No such file or directory)");
        if (!Directory.Exists(folder)) Directory.CreateDirectory(folder, OwnersFolder);
        CheckFolder(folder);
        CheckFile(path);

        // Made where nobody else can look, moved when its rights are right: it takes the place of one that is left over at once.
        string nest = Path.Combine(folder, $".{Environment.ProcessId}");
        string made = Path.Combine(nest, "s");
        Socket socket = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            if (Directory.Exists(nest)) Directory.Delete(nest, recursive: true);
            Directory.CreateDirectory(nest, OwnersFolder);
            socket.Bind(new UnixDomainSocketEndPoint(made));
            File.SetUnixFileMode(made, OwnerOnly);
            socket.Listen(backlog);
            File.Move(made, path, overwrite: true);
            return socket;
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            socket.Dispose();
            throw new IOException($"{path}: no socket can be made there", e);
        }
        catch (Exception e) when (e is SocketException or UnauthorizedAccessException)
        {
            socket.Dispose();
            throw new IOException($"{path}: {e.Message}", e);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
        finally
        {
            if (Directory.Exists(nest)) Directory.Delete(nest, recursive: true);
        }
    }

    /// <summary>Connects to a path.</summary>
    /// <exception cref="IOException">One line: nothing is there, or nobody listens, or it is another's.</exception>
    public static Socket Connect(string path)
    {
        if (Encoding.UTF8.GetByteCount(path) > MaxPathBytes) throw new IOException($"{path}: a path of a socket has at most {MaxPathBytes} bytes");
        Socket socket = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            socket.Connect(new UnixDomainSocketEndPoint(path));
            return socket;
        }
        catch (SocketException e)
        {
            socket.Dispose();
            throw new IOException(e.SocketErrorCode switch
            {
                SocketError.ConnectionRefused => $"{path}: no switch listens there any more",
                SocketError.AddressNotAvailable => $"{path}: there is no switch",
                SocketError.AccessDenied => $"{path}: the switch is another user's",
                _ => $"{path}: {e.Message}",
            }, e);
        }
    }

    /// <summary>In a folder where others may write, they could put another socket in the place of this one.</summary>
    private static void CheckFolder(string folder)
    {
        UnixFileMode mode = File.GetUnixFileMode(folder);
        const UnixFileMode others = UnixFileMode.GroupWrite | UnixFileMode.OtherWrite;
        if ((mode & others) != 0 && (mode & UnixFileMode.StickyBit) == 0) throw new IOException($"{folder}: others may write to this folder: no place for a control socket");
    }

    private static void CheckFile(string path)
    {
        if (Directory.Exists(path)) throw new IOException($"{path}: is a folder");
        if (!File.Exists(path)) return;
        if (!Native.FileKind.IsSocket(path)) throw new IOException($"{path}: there is a file that is no socket");
        try
        {
            Connect(path).Dispose();
        }
        catch (IOException e) when (e.InnerException is SocketException { SocketErrorCode: SocketError.ConnectionRefused })
        {
            return;
        }

        throw new IOException($"{path}: another switch listens there");
    }
}
