using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Mergeflow.Cli;

namespace Mergeflow.Tests;

/// <summary>A command that serves metrics and lingers, as a process of its own.</summary>
internal sealed class ServedRun : IDisposable
{
    private readonly Process _process;

    /// <summary>Starts it.</summary>
    public ServedRun(string arguments)
    {
        Port = FreePort();
        string[] words = [typeof(App).Assembly.Location, .. arguments.Split(' '), "--metrics", $"{Port}", "--linger"];
        _process = Process.Start(new ProcessStartInfo("dotnet", words) { WorkingDirectory = Folder[""], RedirectStandardInput = true, RedirectStandardError = true })!;
    }

    /// <summary>Where it runs.</summary>
    public TemporaryFolder Folder { get; } = TypedCommand.Folder();

    /// <summary>On loopback.</summary>
    public int Port { get; }

    /// <summary>Its standard input.</summary>
    public StreamWriter Input => _process.StandardInput;

    /// <summary>What it holds in memory.</summary>
    public long MemoryBytes
    {
        get
        {
            _process.Refresh();
            return _process.WorkingSet64;
        }
    }

    /// <summary>A port that nobody has at the moment.</summary>
    public static int FreePort()
    {
        using TcpListener listener = new(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    /// <summary>What is served; asks again until somebody listens.</summary>
    public static async Task<string> Fetch(int port)
    {
        using HttpClient client = new();
        while (true)
        {
            try
            {
                using HttpResponseMessage answer = await client.GetAsync(new Uri($"http://127.0.0.1:{port}/metrics"));
                if (answer.Content.Headers.ContentType?.ToString() != "application/openmetrics-text; version=1.0.0; charset=utf-8") throw new FormatException($"{answer}");
                return await answer.Content.ReadAsStringAsync();
            }
            catch (HttpRequestException e) when (e.InnerException is SocketException or HttpIOException or IOException)
            {
                await Task.Delay(20);
            }
        }
    }

    /// <summary>The text that is served.</summary>
    public Task<string> Text() => _process.HasExited ? throw new InvalidOperationException($"ended: {_process.StandardError.ReadToEnd()}") : Fetch(Port);

    /// <summary>The same, read.</summary>
    public async Task<OpenMetricsReader> Read() => OpenMetricsReader.Read(await Text());

    /// <summary>When the output is there, the replay is done.</summary>
    public async Task<OpenMetricsReader> ReadOnceDone()
    {
        while (!File.Exists(Folder["out.jsonl"]))
        {
            await Text();
        }

        return await Read();
    }

    /// <summary>Asks it to end.</summary>
    public (int Code, string Error) End()
    {
        using (Process kill = Process.Start("kill", ["-TERM", $"{_process.Id}"])!) kill.WaitForExit();
        string error = _process.StandardError.ReadToEnd();
        _process.WaitForExit();
        return (_process.ExitCode, error);
    }

    public void Dispose()
    {
        if (!_process.HasExited) _process.Kill();
        _process.Dispose();
        Folder.Dispose();
    }
}
