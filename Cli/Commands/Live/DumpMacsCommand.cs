using System.CommandLine;
using System.Globalization;

namespace Mergeflow.Cli;

/// <summary><c>dump-macs</c>: the addresses that <c>normal</c> has learned, as <c>ovs-appctl fdb/show</c> prints them.</summary>
internal static class DumpMacsCommand
{
    private const int Bytes = 6;

    public static Command Create() => LiveCommand.Create("dump-macs", "Print the addresses that a running switch has learned.", static (inside, _) => Show(inside), []);

    private static int Show(LiveInvocation inside)
    {
        inside.Output.WriteLine(" port  VLAN  MAC                Age");
        foreach ((LearnedSource source, long ageMs) in inside.Switch.Datapath.Pipeline.LearnedAddresses(inside.Switch.NowMs))
        {
            string mac = string.Join(':', Enumerable.Range(0, Bytes).Select(i => ((source.Mac >> (8 * (Bytes - 1 - i))) & 0xff).ToString("x2", CultureInfo.InvariantCulture)));
            inside.Output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{source.Port,5}  {source.Vid,4}  {mac}  {ageMs / 1000,3}"));
        }

        return ExitCode.Ok;
    }
}
