using System.Diagnostics;
using System.Text;
using Xunit;

namespace Mergeflow.Tests;

/// <summary>A program that a test runs beside itself. It ends with the test, whatever happens.</summary>
internal sealed class LiveProcess : IDisposable
{
    private readonly Process _process;
    private readonly StringBuilder _text = new();
    private bool _isDisposed;

    public LiveProcess(string program, string[] arguments)
    {
        ProcessStartInfo start = new(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true, RedirectStandardInput = true };
        _process = Process.Start(start)!;
        _process.OutputDataReceived += Keep;
        _process.ErrorDataReceived += Keep;
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
        _process.StandardInput.Close();
    }

    /// <summary>What it has written so far.</summary>
    public string Text
    {
        get
        {
            lock (_text) return _text.ToString();
        }
    }

    /// <summary>Whether it has ended.</summary>
    public bool HasEnded => _process.HasExited;

    /// <summary>Waits for its end; it does not get longer than that.</summary>
    public (int Code, string Text) End(int seconds)
    {
        if (!_process.WaitForExit(seconds * 1000)) Assert.Fail($"{_process.StartInfo.FileName} {string.Join(' ', _process.StartInfo.ArgumentList)}: not over after {seconds} s: {Text}");
        _process.WaitForExit();
        return (_process.ExitCode, Text);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_isDisposed) return;
        _isDisposed = true;
        if (!_process.HasExited) _process.Kill(entireProcessTree: true);
        _process.WaitForExit();
        _process.Dispose();
    }

    private void Keep(object sender, DataReceivedEventArgs line)
    {
        lock (_text)
        {
            if (line.Data is not null) _text.AppendLine(line.Data);
        }
    }
}
