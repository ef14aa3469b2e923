using System.ComponentModel;
using System.Diagnostics;

namespace Mergeflow.Perf;

/// <summary>Runs a program to its end.</summary>
public static class ExternalProgram
{
    /// <summary>Its output.</summary>
    /// <param name="environment">Variables that are set for it.</param>
    /// <param name="program">Name or path.</param>
    /// <param name="arguments">As they are, no shell.</param>
    /// <exception cref="PerfException">It is not there or ends with another code than 0.</exception>
    public static string Run(IReadOnlyDictionary<string, string> environment, string program, params string[] arguments)
    {
        var start = new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true, RedirectStandardInput = true };
        foreach ((string name, string value) in environment) start.Environment[name] = value;
        try
        {
            using Process process = Process.Start(start)!;
            process.StandardInput.Close();
            Task<string> error = process.StandardError.ReadToEndAsync();
            string output = process.StandardOutput.ReadToEnd();
            process.WaitForExit();
            if (process.ExitCode == 0) return output;
            throw PerfException.Failed($"{program} {string.Join(' ', arguments)}: {(error.Result.Length > 0 ? error.Result.Trim() : $"exit code {process.ExitCode}")}");
        }
        catch (Win32Exception e)
        {
            throw PerfException.Failed($"{program}: {e.Message}");
        }
    }
}
